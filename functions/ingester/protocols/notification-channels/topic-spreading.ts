/** Topics per channel; the platform answers 400 to more. */
export const MAX_TOPICS_PER_CHANNEL = 1_000;
/** Channels per OAuth client: half of the platform's 20, so that all of them can be replaced by overlap. */
export const MAX_CHANNELS = 10;

/**
 * Spread topics over channels. A topic stays on its channel, so that a change affects as few channels as possible. New
 * topics fill the first channels with room.
 *
 * @param previous - the topics of each channel so far
 * @returns the topics of each channel, and those that do not fit into {@link MAX_CHANNELS} channels
 */
export function spreadTopics(
  previous: readonly (readonly string[])[],
  topics: readonly string[],
): { channels: string[][]; surplus: string[] } {
  const wanted = new Set(topics);
  const channels = previous.map((channel) => channel.filter((topic) => wanted.delete(topic)));
  const surplus: string[] = [];
  for (const topic of wanted) {
    const roomy = channels.find((channel) => channel.length < MAX_TOPICS_PER_CHANNEL);
    if (roomy) roomy.push(topic);
    else if (channels.length < MAX_CHANNELS) channels.push([topic]);
    else surplus.push(topic);
  }
  return { channels, surplus };
}
