/** Maximum number of notification channels of an OAuth client. A further one evicts another. */
export const CHANNELS_PER_CLIENT = 20;
/** Topics per channel. The platform responds with 400 to more. */
export const MAX_TOPICS_PER_CHANNEL = 1_000;
/** During an upgrade, twice as many tasks run. */
const UPGRADE_FACTOR = 2;
/** Channels of one OAuth client that one task can use: half of them, because two tasks run during an upgrade. */
export const MAX_CHANNELS_PER_CLIENT = CHANNELS_PER_CLIENT / UPGRADE_FACTOR;
/**
 * Maximum number of OAuth clients of a deployment. Their channels have room for 100,000 topics, which is also the
 * maximum number of entities in a listing.
 */
export const MAX_CLIENTS = 10;

/** Channels of each OAuth client that a task may use, so that no client exceeds its limit during an upgrade. */
export function channelShare(tasks: number): number {
  return Math.floor(MAX_CHANNELS_PER_CLIENT / tasks);
}
