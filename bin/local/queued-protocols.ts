import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';

interface QueuedItem {
  readonly protocol?: string;
  readonly rejected?: { readonly protocol?: string };
}

/** Messages in a queue that contain an item of one of these protocols. */
export function messagesOf(queue: Queue, isNamed: (protocol: string) => boolean): number {
  return queue
    .peek()
    .filter(({ body }) =>
      itemsIn(body).some((item) => isNamed(item.protocol ?? item.rejected?.protocol ?? '')),
    ).length;
}

/** The items of an envelope. A message that is not an envelope has no items. */
function itemsIn(body: string): readonly QueuedItem[] {
  try {
    return (JSON.parse(body) as { events?: QueuedItem[] }).events ?? [];
  } catch {
    return [];
  }
}
