import fc from 'fast-check';
import type { AwsFaultKind } from 'switchboard-local/emulator/emulator-faults.ts';
import type { CallMade, CrashPoint } from 'switchboard-local/lambda/environment.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { histories } from '../histories.ts';
import {
  CALLS,
  type Delivered,
  type Invoked,
  LocalConsumer,
  message,
  queuedEvent,
} from './local-consumer.ts';

/** Rounds with faults, and rounds without faults in which all remaining messages must be finished. */
const FAULTY_ROUNDS = 6;
const CALM_ROUNDS = 12;
/** Attempts after which the consumer leaves marks unwritten. */
const MAX_MARK_ATTEMPTS = 8;

/** A message of the model. */
interface Sent {
  /** Numbers of events; a negative number is an item that is not an event. */
  numbers: number[];
  /** The message has the owner of the previous one, as if it was split off. */
  isSplit: boolean;
  /** SQS delivers the message twice: with the same receive count, or with another one. */
  twin: 'none' | 'same count' | 'other count';
}

/** One round of deliveries. */
interface Round {
  /** The concurrent batch that delivers each message, 1 or 2; 0 is none. */
  batches: (0 | 1 | 2)[];
  crash: CrashPoint | undefined;
}

const sent = fc.record<Sent>({
  numbers: fc.array(fc.integer({ min: -1, max: 7 }), { minLength: 1, maxLength: 6 }),
  isSplit: fc.boolean(),
  twin: fc.constantFrom<Sent['twin']>('none', 'same count', 'other count'),
});
const round = fc.record<Round>({
  batches: fc.array(fc.constantFrom<0 | 1 | 2>(0, 1, 2), { minLength: 10, maxLength: 10 }),
  crash: fc.option(
    fc.record({
      call: fc.integer({ min: 1, max: 6 }),
      when: fc.constantFrom<'before' | 'after'>('before', 'after'),
      orAtEnd: fc.boolean(),
    }),
    { nil: undefined, freq: 2 },
  ),
});
const rate = fc.constantFrom(0, 0.05, 0.2);
const rates = fc.record<Partial<Record<AwsFaultKind, number>>>({
  timeout_before_commit: rate,
  timeout_after_commit: rate,
  throttle: rate,
  server_error: rate,
  partial_failure: rate,
});

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Ids of the events in a PutEvents. */
function putIds(body: string): string[] {
  return (JSON.parse(body) as { Entries: { Detail: string }[] }).Entries.map(
    ({ Detail }) => JSON.parse(Detail).metadata.eventId as string,
  );
}

/** A run of the model: the pending messages, and how often each event may be published again. */
class Run {
  readonly consumer: LocalConsumer;
  readonly eventIds = new Set<string>();
  readonly invalid = new Set<string>();
  private readonly excuses = new Map<string, number>();
  private readonly ownerOf = new Map<string, string>();
  private pending: Required<Delivered>[] = [];

  constructor(consumer: LocalConsumer, messages: readonly Sent[]) {
    this.consumer = consumer;
    let owner: string | undefined;
    for (const [index, { numbers, isSplit, twin }] of messages.entries()) {
      if (!isSplit) owner = undefined;
      const items = numbers.map((number) => (number < 0 ? { invalid: `${index}` } : queuedEvent(number)));
      const made = message(items, owner === undefined ? {} : { owner });
      owner = made.owner;
      this.ownerOf.set(made.body, made.owner);
      for (const item of items) {
        if ('invalid' in item) this.invalid.add(JSON.stringify(item));
        else this.eventIds.add(item.id);
      }
      this.pending.push(made);
      if (twin !== 'none') this.pending.push({ ...made, receiveCount: twin === 'same count' ? 1 : 2 });
    }
  }

  get isDone(): boolean {
    return this.pending.length === 0;
  }

  /** Delivers two batches concurrently, the first with the crash. */
  async deliver({ batches, crash }: Round): Promise<void> {
    const chosen: [Required<Delivered>[], Required<Delivered>[]] = [[], []];
    const later: Required<Delivered>[] = [];
    for (const [index, delivered] of this.pending.entries()) {
      const batch = batches[index % batches.length] ?? 1;
      if (batch === 0) later.push(delivered);
      else chosen[batch - 1]?.push(delivered);
    }
    const before = this.consumer.happened.length;
    const invocations = await Promise.all(
      chosen.map(async (batch, index) => {
        if (batch.length === 0) return undefined;
        const invoked = await this.consumer.invoke(batch, index === 0 && crash ? { crashAt: crash } : {});
        return { batch, invoked };
      }),
    );
    const faults = this.consumer.happened.slice(before);
    this.pending = later;
    // The reads of the test itself have no faults.
    const { enabled } = this.consumer.faults;
    this.consumer.faults.enabled = false;
    for (const made of invocations) if (made) await this.account(made.batch, made.invoked);
    this.consumer.faults.enabled = enabled;
    for (const { kind, target, body } of faults) {
      // The events were published, but the consumer does not know it.
      if (target === CALLS.publish && kind === 'timeout_after_commit') this.excuse(putIds(body));
    }
  }

  private async account(
    batch: readonly Required<Delivered>[],
    { outcome, failed, calls }: Invoked,
  ): Promise<void> {
    if (outcome.kind === 'error') throw outcome.error;
    // A message that occurs twice in the batch is redelivered twice.
    for (const delivered of batch) {
      if (!failed.includes(delivered.messageId)) continue;
      this.pending.push({ ...delivered, receiveCount: delivered.receiveCount + 1 });
    }
    await this.excuseUnmarked(batch, calls, outcome.kind === 'crash');
    // The visibility timeout is longer than a lease.
    for (const owner of this.ownersOf(batch))
      if (await this.consumer.item(`turn#${owner}`)) await this.consumer.endLease(owner);
  }

  private ownersOf(batch: readonly Delivered[]): Set<string> {
    return new Set(batch.map(({ body }) => this.ownerOf.get(body) ?? ''));
  }

  /** Events that were published but not marked may be published again. */
  private async excuseUnmarked(
    batch: readonly Delivered[],
    calls: readonly CallMade[],
    crashed: boolean,
  ): Promise<void> {
    const put = calls.flatMap(({ target, body }) => (target === CALLS.publish ? putIds(body) : []));
    const marked = new Set<string>();
    let gaveUp = false;
    for (const owner of this.ownersOf(batch)) {
      for (const id of await this.consumer.marked(owner, put))
        if ((await this.consumer.ownerOf(id)) === owner) marked.add(id);
      const attempts = calls.filter(
        ({ target, body }) => target === CALLS.mark && body.includes(owner),
      ).length;
      gaveUp ||= attempts === MAX_MARK_ATTEMPTS;
    }
    if (crashed || gaveUp) this.excuse(put.filter((id) => !marked.has(id)));
  }

  private excuse(ids: readonly string[]): void {
    for (const id of ids) this.excuses.set(id, (this.excuses.get(id) ?? 0) + 1);
  }

  check(): void {
    const counts = new Map<string, number>();
    for (const id of this.consumer.publishedIds) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([...this.eventIds].sort());
    for (const [id, count] of counts) expect(count - 1).toBeLessThanOrEqual(this.excuses.get(id) ?? 0);
    const quarantined = this.consumer.quarantined.flatMap(
      ({ body }) => (JSON.parse(body) as { events: unknown[] }).events,
    );
    expect(new Set(quarantined.map((item) => JSON.stringify(item)))).toEqual(this.invalid);
  }
}

const CALM: Round = { batches: [1, 2, 1, 2, 1, 2, 1, 2, 1, 2], crash: undefined };

async function run(
  seed: number,
  messages: Sent[],
  rounds: Round[],
  chosen: typeof rates extends fc.Arbitrary<infer T> ? T : never,
) {
  const consumer = await LocalConsumer.create({ seed, rates: chosen });
  const model = new Run(consumer, messages);
  for (const one of rounds) await model.deliver(one);
  consumer.faults.enabled = false;
  for (let left = CALM_ROUNDS; left > 0 && !model.isDone; left--) await model.deliver(CALM);
  expect(model.isDone).toBe(true);
  model.check();
  await consumer.close();
}

describe('random deliveries and faults', () => {
  const messages = fc.array(sent, { minLength: 1, maxLength: 5 });
  const rounds = fc.array(round, { minLength: 0, maxLength: FAULTY_ROUNDS });
  const noFaults = fc.constant({});

  test('Without faults and crashes every event is published exactly once', async () => {
    const calm = rounds.map((all) => all.map((one) => ({ ...one, crash: undefined })));
    await fc.assert(fc.asyncProperty(fc.integer(), messages, calm, noFaults, run), {
      seed: 20_261_120,
      numRuns: histories(20, 60),
    });
  });

  test('Every event is published, and again only if the outcome was unknown; invalid items are quarantined', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), messages, rounds, rates, run), {
      seed: 20_261_120,
      numRuns: histories(40, 120),
    });
  });
});
