import type { Invocation } from 'switchboard-local/lambda/poller.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalSystem } from './local-system.ts';

/** Enough for two INSERT calls and four PutEvents calls. */
const EVENTS = 35;
/** Far more than the number of calls of an invocation, so that the sweep ends before. */
const MAX_ROUNDS = 40;
const PUT_EVENTS = 'AWSEvents.PutEvents';
const UPDATE_ITEM = 'DynamoDB_20120810.UpdateItem';

let system: LocalSystem;
let bursts = 0;

beforeAll(async () => {
  // Without concurrency, the next invocation is the one to be killed.
  system = await LocalSystem.start({ maximumConcurrency: 1 });
});
afterAll(async () => {
  await system.close();
});

/** Emits the frames of one message, plus one that is not an event. */
function emitBurst(): void {
  bursts++;
  const [userId = ''] = system.simulator.userIds;
  for (let index = 0; index < EVENTS; index++) {
    system.simulator.emit({
      topicName: `v2.users.${userId}.routingStatus`,
      version: '2',
      eventBody: {
        id: userId,
        routingStatus: {
          userId,
          status: 'IDLE',
          startTime: new Date(1_800_000_000_000 + bursts * 1_000 + index).toISOString(),
        },
      },
      metadata: {},
    });
  }
  system.simulator.hooks.garbage(`not an event, number ${bursts}`);
}

/** Plays a burst. Returns its invocations, including the killed ones. */
async function playBurst(): Promise<Invocation[]> {
  const first = system.invocations.length;
  emitBurst();
  await system.settled();
  return system.invocations.slice(first);
}

/**
 * Whether a killed invocation published events without marking them. Only such events may be published again.
 */
function leavesUnknown({ outcome, calls }: Invocation): boolean {
  if (outcome.kind !== 'crash') return false;
  const put = calls.filter(({ target }) => target === PUT_EVENTS);
  const isLastPutUnsent = outcome.when === 'before' && calls[outcome.call - 1]?.target === PUT_EVENTS;
  const hasPublished = put.length > (isLastPutUnsent ? 1 : 0);
  const isMark = ({ target, body }: Invocation['calls'][number]) =>
    target === UPDATE_ITEM && body.includes('":done"');
  return hasPublished && !calls.some((call) => isMark(call) && call.answered);
}

/**
 * Kills one invocation per burst, at its first call, then its second, and so on, until an invocation makes fewer calls.
 * Returns the targets of the calls.
 */
async function sweep(when: 'before' | 'after', prepare?: () => void): Promise<string[]> {
  const targets: string[] = [];
  const earlier = prepare ? 1 : 0;
  for (let call = 1, rounds = 0; rounds < MAX_ROUNDS; call++, rounds++) {
    const before = system.ledger.report();
    prepare?.();
    system.poller.killAt({ invocation: system.poller.invocations + 1 + earlier, call, when });
    const invocations = await playBurst();
    const after = system.ledger.report();
    expect(after).toMatchObject({ lost: 0, publishedTwice: 0, unexpected: 0, uncovered: 0 });
    expect(after.published - before.published).toBe(EVENTS);
    const repeats = after.publishedTwiceUnknown - before.publishedTwiceUnknown;
    expect(repeats).toBeLessThanOrEqual(EVENTS * invocations.filter(leavesUnknown).length);
    expect(system.countIn('deadLetterQueue')).toBe(0);
    // If a burst results in two messages, the wrong invocation was killed. Repeat the round.
    if (new Set(invocations.flatMap(({ records }) => records.map(({ body }) => body))).size > 1) {
      call--;
      continue;
    }
    // A killed invocation may have sent the message already, so there can be more.
    expect(system.countIn('quarantineQueue')).toBeGreaterThanOrEqual(bursts);
    const killed = invocations[earlier];
    if (killed?.outcome.kind !== 'crash') return targets;
    expect(killed.outcome).toEqual({ kind: 'crash', call, when });
    targets.push(killed.calls[call - 1]?.target ?? '');
  }
  throw new Error(`The sweep did not end within ${MAX_ROUNDS} rounds`);
}

/** Kills the next invocation after it has made its claims, so that the following one finds them. */
function killFirstDelivery(): void {
  system.poller.killAt({ invocation: system.poller.invocations + 1, call: 4, when: 'before' });
}

describe('a consumer that is killed', () => {
  const FIRST = [
    'DynamoDB_20120810.BatchExecuteStatement',
    'DynamoDB_20120810.BatchExecuteStatement',
    'AmazonSQS.SendMessageBatch',
    PUT_EVENTS,
    PUT_EVENTS,
    PUT_EVENTS,
    PUT_EVENTS,
    UPDATE_ITEM,
  ].sort();

  test('A consumer killed before any of its calls loses no event and repeats only unmarked ones', async () => {
    expect((await sweep('before')).sort()).toEqual(FIRST);
  });

  test('A consumer killed after any of its calls loses no event and repeats only unmarked ones', async () => {
    expect((await sweep('after')).sort()).toEqual(FIRST);
    // The sweep included the calls after which repeats occur.
    expect(system.ledger.report().publishedTwiceUnknown).toBeGreaterThan(0);
  });

  test.each(['before', 'after'] as const)(
    'A consumer killed %s any call of a retry loses no event and repeats only unmarked ones',
    async (when) => {
      const targets = await sweep(when, killFirstDelivery);
      // A retry also reads the claims and the turn, and takes the turn over.
      expect(targets).toContain('DynamoDB_20120810.BatchGetItem');
      expect(targets.length).toBeGreaterThan(FIRST.length);
    },
  );
});
