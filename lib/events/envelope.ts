/**
 * The body of one message on the events queue.
 *
 * @param envelope - `id` and `owner` are UUIDs, `sentAt` is ISO 8601
 * @param items - JSON of each item, see `item.ts`
 */
export function encodeEnvelope(
  envelope: { id: string; owner: string; sentAt: string },
  items: readonly string[],
): string {
  const { id, owner, sentAt } = envelope;
  return `{"v":1,"id":"${id}","owner":"${owner}","sentAt":"${sentAt}","events":[${items.join(',')}]}`;
}
