import { MAX_TOPICS_PER_CHANNEL } from '../../../../lib/genesys/channel-budget.ts';

/**
 * Spread topics across channels. A topic stays on its channel, so that a change affects as few channels as possible.
 * New topics go to the first channels with room.
 *
 * @param previous - the topics of each channel so far
 * @param maxChannels - channels that may be used
 * @returns the topics of each channel, and those that do not fit
 */
export function spreadTopics(
  previous: readonly (readonly string[])[],
  topics: readonly string[],
  maxChannels: number,
): { channels: string[][]; surplus: string[] } {
  const wanted = new Set(topics);
  const channels = previous.map((channel) => channel.filter((topic) => wanted.delete(topic)));
  const surplus: string[] = [];
  for (const topic of wanted) {
    const roomy = channels.find((channel) => channel.length < MAX_TOPICS_PER_CHANNEL);
    if (roomy) roomy.push(topic);
    else if (channels.length < maxChannels) channels.push([topic]);
    else surplus.push(topic);
  }
  return { channels, surplus };
}
