import type { SendMessageBatchCommandOutput, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';

/** Result of a call: `lost` calls are not accepted, `lost after acceptance` calls are, and both throw. */
export type CallOutcome = SendMessageBatchCommandOutput | 'accepted' | 'lost' | 'lost after acceptance';

/** An envelope as the queue received it. The items of a test are numbers, or objects with a number `n`. */
export interface SeenEnvelope {
  readonly id: string;
  readonly owner: string;
  readonly items: number[];
  readonly bytes: number;
}

/** An SQS queue that the test controls. */
export class FakeQueue {
  /** Envelopes of every call, in the order of calls. */
  readonly calls: SeenEnvelope[][] = [];
  readonly accepted: SeenEnvelope[] = [];
  /** Envelopes whose outcome the batcher cannot know. */
  readonly unknown: SeenEnvelope[] = [];
  /** Largest number of concurrent calls. */
  mostConcurrent = 0;
  private running = 0;
  answer: (
    call: SeenEnvelope[],
    entries: SendMessageBatchRequestEntry[],
  ) => CallOutcome | Promise<CallOutcome> = () => 'accepted';

  readonly send = async (entries: SendMessageBatchRequestEntry[]): Promise<SendMessageBatchCommandOutput> => {
    const call = entries.map(({ MessageBody = '' }) => seenEnvelope(MessageBody));
    this.calls.push(call);
    this.running++;
    this.mostConcurrent = Math.max(this.mostConcurrent, this.running);
    try {
      const outcome = await this.answer(call, entries);
      if (outcome === 'lost' || outcome === 'lost after acceptance') {
        if (outcome === 'lost after acceptance') this.accepted.push(...call);
        this.unknown.push(...call);
        throw new Error('no answer');
      }
      const output = outcome === 'accepted' ? batchOutput(entries, {}) : outcome;
      for (const { Id } of output.Successful ?? []) {
        const envelope = call[Number(Id)];
        if (envelope) this.accepted.push(envelope);
      }
      return output;
    } finally {
      this.running--;
    }
  };

  get acceptedItems(): number[] {
    return this.accepted.flatMap(({ items }) => items);
  }
}

function seenEnvelope(body: string): SeenEnvelope {
  const { id, owner, events } = JSON.parse(body) as {
    id: string;
    owner: string;
    events: (number | { n: number })[];
  };
  const items = events.map((event) => (typeof event === 'number' ? event : event.n));
  return { id, owner, items, bytes: Buffer.byteLength(body) };
}

/** The output of a call in which some entries failed. */
export function batchOutput(
  entries: readonly SendMessageBatchRequestEntry[],
  failed: Readonly<Record<string, { SenderFault: boolean; Code: string }>>,
): SendMessageBatchCommandOutput {
  const ids = entries.map(({ Id }) => Id ?? '');
  return {
    Successful: ids.filter((Id) => !failed[Id]).map((Id) => ({ Id, MessageId: Id, MD5OfMessageBody: '' })),
    Failed: ids.flatMap((Id) => (failed[Id] ? [{ Id, ...failed[Id] }] : [])),
    $metadata: {},
  };
}

/** A failure of an entry that can succeed when it is sent again. */
export const THROTTLED = { SenderFault: false, Code: 'InternalError' } as const;
/** A failure of an entry because of its content. */
export const INVALID = { SenderFault: true, Code: 'InvalidMessageContents' } as const;
