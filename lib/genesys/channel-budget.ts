/** Notification channels of an OAuth client; one more evicts another. */
export const CHANNELS_PER_CLIENT = 20;
/** During an upgrade twice as many tasks run. */
const UPGRADE_FACTOR = 2;
/** Channels of one OAuth client that one task can use: half of them, because an upgrade runs two tasks for a while. */
export const MAX_CHANNELS_PER_CLIENT = CHANNELS_PER_CLIENT / UPGRADE_FACTOR;
/** OAuth clients of a deployment. Their channels have room for 100,000 topics, as many as a listing has entities. */
export const MAX_CLIENTS = 10;

/** Channels of each OAuth client that a task may use, so that no client needs more than it has during an upgrade. */
export function channelShare(tasks: number): number {
  return Math.floor(MAX_CHANNELS_PER_CLIENT / tasks);
}
