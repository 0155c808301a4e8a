import type { Fault } from 'switchboard-local/emulator/emulator-faults.ts';
import type { Invocation } from 'switchboard-local/lambda/poller.ts';
import { SERIAL_FIELD } from 'switchboard-local/simulator/frame.ts';
import { judgeGaps } from 'switchboard-local/simulator/gap-judge.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { nothingRecovered } from 'switchboard-local/simulator/recovery/recovery-verdict.ts';
import { describe, expect, test } from 'vitest';
import { Accounting } from '../../bin/local/accounting.ts';
import { ConsumerFailures } from '../../bin/local/consumer-failures.ts';
import { ALL_FAULTS, NOT_IN_ALL, parseFaults, RECEIVER_PREFIX } from '../../bin/local/fault-options.ts';
import { gapRecordsOf, readGapRecords } from '../../bin/local/gap-records.ts';
import { LocalDedupWindow } from '../../bin/local/local-dedup-window.ts';
import type { LocalResult } from '../../bin/local/local-result.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import { StallWatch } from '../../bin/local/stall-watch.ts';
import { unknownOutcomes } from '../../bin/local/unknown-outcomes.ts';
import { problemsOf, verdictLines } from '../../bin/local/verdict.ts';

const FROM_MS = 1_800_000_000_000;
const TO_MS = FROM_MS + 5_000;
const TOPIC = 'v2.users.1.presence';

describe('gap records', () => {
  const interval = { fromMs: { N: String(FROM_MS) }, toMs: { N: String(TO_MS) }, reason: { S: 'closed' } };
  const pk = { S: 'subscription#default' };
  const gap = { pk, sk: { S: 'gap#2027-01-15T08:00:00.000Z#0' }, ...interval };

  test('A gap record has its interval, its reason and its topics, as a list or a set', () => {
    const expected = { fromMs: FROM_MS, toMs: TO_MS, reason: 'closed', topics: [TOPIC, 'b'] };
    expect(gapRecordsOf([{ ...gap, topics: { L: [{ S: TOPIC }, { S: 'b' }] } }])).toEqual([expected]);
    expect(gapRecordsOf([{ ...gap, topics: { SS: [TOPIC, 'b'] } }])).toEqual([expected]);
  });

  test('The topics of a gap record can be in an item of the same partition that it names', () => {
    const list = { pk, sk: { S: 'topics#abc' }, topics: { L: [{ S: TOPIC }] } };
    const other = { ...list, pk: { S: 'subscription#other' } };
    const [named] = gapRecordsOf([list, { ...gap, topicsId: { S: 'abc' } }]);
    expect(named?.topics).toEqual([TOPIC]);
    const [unnamed] = gapRecordsOf([other, { ...gap, topicsId: { S: 'abc' } }]);
    expect(unnamed?.topics).toEqual([]);
  });

  test('A gap record without topics names nothing, so that it explains no event', () => {
    const records = gapRecordsOf([gap]);
    expect(records).toMatchObject([{ topics: [] }]);
    expect(judgeGaps([{ topicName: TOPIC, atMs: FROM_MS }], records)).toMatchObject({ unexplained: 1 });
  });

  test.each([
    ['another partition', { ...gap, pk: { S: 'channel#1' } }],
    ['another kind', { ...gap, sk: { S: 'channel#1' } }],
    ['no start', { ...gap, fromMs: undefined }],
    ['an end that is not a number', { ...gap, toMs: { S: 'soon' } }],
  ])('An item with %s is not a gap record', (_name, item) => {
    expect(gapRecordsOf([item as typeof gap])).toEqual([]);
  });

  test('All pages of the table are read', async () => {
    const topics = { L: [{ S: TOPIC }] };
    const inputs: unknown[] = [];
    const records = await readGapRecords((input) => {
      inputs.push(input);
      return inputs.length === 1
        ? { Items: [{ ...gap, topicsId: { S: 'abc' } }], LastEvaluatedKey: { pk } }
        : { Items: [{ pk, sk: { S: 'topics#abc' }, topics }] };
    }, 'state');
    expect(inputs).toEqual([{ TableName: 'state' }, { TableName: 'state', ExclusiveStartKey: { pk } }]);
    expect(records).toMatchObject([{ topics: [TOPIC] }]);
  });
});

const PUT = 'AWSEvents.PutEvents';
const UPDATE = 'DynamoDB_20120810.UpdateItem';
const metadata = (serial: number) => ({ [SERIAL_FIELD]: serial });
const putBody = (...serials: number[]) =>
  JSON.stringify({
    Entries: serials.map((serial) => ({ Detail: JSON.stringify({ metadata: metadata(serial) }) })),
  });
const message = (owner: string, ...serials: number[]) => ({
  messageId: owner,
  body: JSON.stringify({
    owner,
    events: serials.map((serial) => ({ frame: { metadata: metadata(serial) } })),
  }),
});
const call = (target: string, body: string, answered = true, succeeded = answered) => ({
  target,
  body,
  answered,
  succeeded,
});
const CRASH = { kind: 'crash', call: 99, when: 'after' } as const;

const RETURNED = { kind: 'response', value: {} } as const;
const TIME_LIMIT_MS = 10_000;

function unknownOf(
  records: readonly { body: string }[],
  calls: readonly ReturnType<typeof call>[],
  outcome: Invocation['outcome'] = CRASH,
  { durationMs = 0, failed = [] as string[] } = {},
): number[] {
  const invocation = { records, calls, outcome, durationMs, failedMessageIds: new Set(failed) };
  return unknownOutcomes(invocation as unknown as Invocation, TIME_LIMIT_MS);
}

describe('unknown outcomes', () => {
  test('Events that a killed invocation published and did not record have an unknown outcome', () => {
    expect(unknownOf([message('a', 1, 2, 3)], [call(PUT, putBody(1, 2))])).toEqual([1, 2]);
  });

  test('Events have a known outcome once a later write that names the owner of their message was answered', () => {
    const records = [message('owner-a', 1), message('owner-b', 2)];
    const put = call(PUT, putBody(1, 2));
    expect(unknownOf(records, [put, call(UPDATE, '{"pk":"marker#owner-a"}')])).toEqual([2]);
    expect(unknownOf(records, [put, call(UPDATE, '{"pk":"marker#owner-a"}', false)])).toEqual([1, 2]);
    expect(unknownOf(records, [call(UPDATE, '{"pk":"marker#owner-a"}'), put])).toEqual([1, 2]);
  });

  test('A write that was refused records nothing: its events have an unknown outcome if the invocation is killed', () => {
    const refused = call(UPDATE, '{"pk":"marker#owner-a"}', true, false);
    const records = [message('owner-a', 1)];
    expect(unknownOf(records, [call(PUT, putBody(1)), refused])).toEqual([1]);
    const repeated = call(UPDATE, '{"pk":"marker#owner-a"}');
    expect(unknownOf(records, [call(PUT, putBody(1)), refused, repeated])).toEqual([]);
  });

  test('An event in two messages has an unknown outcome until both are recorded', () => {
    const records = [message('owner-a', 1), message('owner-b', 1)];
    const put = call(PUT, putBody(1));
    const recorded = [call(UPDATE, 'owner-a'), call(UPDATE, 'owner-b')];
    expect(unknownOf(records, [put, recorded[0]!])).toEqual([1]);
    expect(unknownOf(records, [put, ...recorded])).toEqual([]);
  });

  describe('of an invocation that was not killed', () => {
    const records = [message('owner-a', 1, 2), message('owner-b', 3)];
    const unknown = (durationMs: number, ...failed: string[]) =>
      unknownOf(records, [call(PUT, putBody(1, 3)), call(UPDATE, 'owner-a')], RETURNED, {
        durationMs,
        failed,
      });

    test('Events of messages that were returned at the time limit have an unknown outcome', () => {
      expect(unknown(TIME_LIMIT_MS * 0.7, 'owner-a')).toEqual([1]);
      expect(unknown(TIME_LIMIT_MS * 0.7, 'owner-a', 'owner-b')).toEqual([1, 3]);
      expect(unknown(TIME_LIMIT_MS * 0.7)).toEqual([]);
    });

    test('Events of messages that were returned before the time limit have a known outcome', () => {
      expect(unknown(TIME_LIMIT_MS * 0.5, 'owner-a', 'owner-b')).toEqual([]);
    });
  });

  test('A publish that was never sent has no unknown outcome', () => {
    const crash = { kind: 'crash', call: 2, when: 'before' } as const;
    expect(
      unknownOf([message('a', 1, 2)], [call(PUT, putBody(1)), call(PUT, putBody(2), false)], crash),
    ).toEqual([1]);
  });
});

describe('the accounting', () => {
  const published = (detail: object) =>
    ({ busName: 'switchboard', event: { detail } }) as unknown as Parameters<Accounting['onPublished']>[0];
  function sent() {
    const ledger = new Ledger();
    const entry = ledger.begin('t');
    for (let sockets = 2; sockets > 0; sockets -= 1) ledger.deliver(entry).flushed();
    ledger.offered(entry);
    return { ledger, accounting: new Accounting([new ProtocolAccount(ledger)]), serial: entry.serial };
  }

  test('An event on the bus is identified only by its serial number', () => {
    const { ledger, accounting, serial } = sent();
    accounting.onPublished(published({ topicName: 'another', eventBody: 1, metadata: metadata(serial) }));
    expect(ledger.report()).toMatchObject({ published: 1, lost: 0, unexpected: 0 });
    accounting.onPublished(published({ topicName: 't', metadata: {} }));
    expect(ledger.report()).toMatchObject({ published: 1, unexpected: 1 });
  });

  test('A reference on the bus counts as the event that it names, and as unexpected if it names none', () => {
    const { ledger, accounting, serial } = sent();
    const reference = { metadata: { ...metadata(serial), oversize: { bucket: 'b', key: 'k' } } };
    accounting.onPublished(published(reference), () => undefined);
    expect(ledger.report()).toMatchObject({ published: 0, lost: 1, unexpected: 1 });
    accounting.onPublished(published(reference), (bucket, key) =>
      bucket === 'b' && key === 'k' ? { metadata: metadata(serial) } : undefined,
    );
    expect(ledger.report()).toMatchObject({ published: 1, lost: 0, unexpected: 1 });
  });

  test.each(['before', 'after'])(
    'A reference whose publish had an unknown outcome, told %s it reached the bus, may be repeated once',
    (when) => {
      const { ledger, accounting, serial } = sent();
      const reference = { metadata: { eventId: 'e', oversize: { bucket: 'b', key: 'k' } } };
      const body = JSON.stringify({ Entries: [{ Detail: JSON.stringify(reference) }] });
      const arrive = () =>
        accounting.onPublished(published(reference), () => ({ metadata: metadata(serial) }));
      const fault = () => accounting.onAwsFault({ kind: 'timeout_after_commit', target: PUT, body } as Fault);
      if (when === 'before') fault();
      arrive();
      if (when === 'after') fault();
      arrive();
      expect(ledger.report()).toMatchObject({ published: 1, publishedTwice: 0, publishedTwiceUnknown: 1 });
      arrive();
      expect(ledger.report()).toMatchObject({ publishedTwice: 1, publishedTwiceUnknown: 1 });
    },
  );

  test('A copy with another weak id is counted separately, and a repeated id is not', () => {
    const { ledger, accounting, serial } = sent();
    const weak = (eventId: string) =>
      published({ metadata: { ...metadata(serial), eventId, identity: 'weak' } });
    for (const id of ['first', 'second']) accounting.onPublished(weak(id));
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 1, publishedTwice: 0 });
    accounting.onPublished(weak('second'));
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 1, publishedTwice: 1 });
  });

  test.each([
    ['timeout_after_commit', 1, 0],
    ['timeout_before_commit', 0, 1],
    ['throttle', 0, 1],
  ] as const)(
    'After the fault %s of PutEvents, %i repeats are allowed and %i are not',
    (kind, allowed, strict) => {
      const { ledger, accounting, serial } = sent();
      accounting.onAwsFault({ kind, target: PUT, body: putBody(serial) });
      for (let arrivals = 2; arrivals > 0; arrivals -= 1)
        accounting.onPublished(published({ metadata: metadata(serial) }));
      expect(ledger.report()).toMatchObject({ publishedTwiceUnknown: allowed, publishedTwice: strict });
    },
  );
});

describe('the verdict', () => {
  const record = { fromMs: FROM_MS, toMs: TO_MS, reason: 'closed with 1006', topics: [TOPIC] };
  function judged(
    counts: Partial<LocalResult>,
    { mayLoseConnections = true, explained = 0, recovery = {} } = {},
  ) {
    const zero = {
      lost: 0,
      publishedTwice: 0,
      publishedTwiceWeak: 0,
      wrongProtocol: 0,
      uncovered: 0,
      unproven: 0,
      unexplained: 0,
      recovered: 0,
    };
    const result = { ...zero, ...counts } as LocalResult;
    const missing = Array.from({ length: explained }, () => ({ topicName: TOPIC, atMs: FROM_MS }));
    const gaps = { ...judgeGaps(missing, [record]), unexplained: result.unexplained };
    const one = { result, gaps, recovery: { ...nothingRecovered([]), ...recovery }, mayLoseConnections };
    return { ...one, protocols: { 'notification-channels': one } };
  }

  test('A run in which everything was published once says so', () => {
    expect(verdictLines(judged({}))).toEqual({ isSound: true, lines: ['Every event was published once.'] });
    expect(verdictLines(judged({ publishedTwiceWeak: 3 })).isSound).toBe(true);
  });

  test.each<[Partial<LocalResult>, RegExp]>([
    [{ lost: 1 }, /1 event lost/],
    [{ publishedTwice: 2 }, /2 events published twice/],
    [{ uncovered: 1, unexplained: 1 }, /1 event missed, and no gap record names topic and time/],
  ])('A run with %j fails', (counts, message) => {
    expect(problemsOf(judged(counts)).join(' ')).toMatch(message);
    expect(verdictLines(judged(counts)).isSound).toBe(false);
  });

  test('A run in which something was recovered that the platform cannot know fails', () => {
    const run = judged({}, { recovery: { impossible: 2, impossibleTopics: [[TOPIC, 2]] } });
    expect(problemsOf(run).join(' ')).toMatch(/2 events recovered that Genesys Cloud cannot have told/);
  });

  test('A run in which a recoverable event was not recovered fails', () => {
    const run = judged({ uncovered: 1 }, { recovery: { unexplained: 1, unexplainedTopics: [[TOPIC, 1]] } });
    expect(problemsOf(run).join(' ')).toMatch(/1 event missed and not recovered/);
    expect(verdictLines(run).isSound).toBe(false);
  });

  test('With faults of the cloud, missed events in gap records do not fail a run, and are named', () => {
    const { isSound, lines } = verdictLines(
      judged({ uncovered: 2, unproven: 1, recovered: 2 }, { explained: 3 }),
    );
    expect(isSound).toBe(true);
    expect(lines[0]).toBe(
      'Every event that was received was published once. Not covered: 3 events, of which 2 were recovered.',
    );
    expect(lines[1]).toBe(
      '  gap 2027-01-15T08:00:00.000Z to 2027-01-15T08:00:05.000Z: 3 events (closed with 1006)',
    );
  });

  test('Without faults of the cloud, any missed event fails a run, also in a gap record', () => {
    const run = judged({ uncovered: 1 }, { mayLoseConnections: false, explained: 1 });
    expect(verdictLines(run)).toMatchObject({ isSound: false });
    expect(verdictLines(run).lines.join('\n')).toMatch(/1 event not covered, although no fault .*\n {2}gap /);
  });
});

describe('the choice of faults', () => {
  test('The fault all includes every fault but those in the table, which can be added by name', () => {
    const all = parseFaults('all');
    const names = [
      ...new Set([...all.aws, ...all.cloud, ...all.stream, ...all.webhook, ...all.native]),
      ...all.receiver.map((kind) => `${RECEIVER_PREFIX}${kind}`),
      ...(all.consumerCrash ? ['consumer_crash'] : []),
    ];
    expect([...names, ...Object.keys(NOT_IN_ALL)].sort()).toEqual([...ALL_FAULTS].sort());
    expect(parseFaults('all,large_event').cloud).toContain('large_event');
    expect(parseFaults('ingester_kill')).toMatchObject({ ingesterKill: true, cloud: [], aws: [] });
  });
});

describe('failures and stalls', () => {
  test('Each kind of failure of the consumer is reported once, with its causes', () => {
    const reports: string[] = [];
    const failures = new ConsumerFailures((message) => reports.push(message));
    for (const [name, code] of [
      ['one', 1],
      ['one', 2],
      ['two', 1],
    ])
      failures.add({ kind: 'error', error: new Error(`${name} ${code}`, { cause: new TypeError('inner') }) });
    failures.add({ kind: 'timeout' });
    failures.add({ kind: 'crash', call: 1, when: 'before' });
    failures.add({ kind: 'response', value: undefined });
    expect(failures.count).toBe(4);
    expect(reports).toEqual([
      'The consumer failed: Error: one 1, caused by TypeError: inner',
      'The consumer failed: Error: two 1, caused by TypeError: inner',
      expect.stringMatching(/exceeded its timeout/),
    ]);
  });

  test('A stall is reported after ten seconds in which events wait and none is published', () => {
    const watch = new StallWatch(0);
    expect(watch.check(1_000, 5, 3)).toBeUndefined();
    expect(watch.check(10_999, 5, 3)).toBeUndefined();
    expect(watch.check(11_000, 5, 3)).toBe(
      'Stalled: no event has reached the bus for 10 s. Events that wait: 3.',
    );
    expect(watch.check(12_000, 5, 3)).toBeUndefined();
    expect(watch.check(21_000, 5, 3)).toMatch(/for 20 s/);
    expect(watch.stalls).toBe(1);
    expect(watch.check(22_000, 6, 3)).toBeUndefined();
    expect(watch.check(40_000, 6, 0)).toBeUndefined();
  });
});

describe('the local dedup window', () => {
  const DYNAMODB = 'DynamoDB_20120810.BatchExecuteStatement';
  const used = (...keys: string[]) => ({
    calls: [call(DYNAMODB, JSON.stringify(keys.map((S) => ({ S })))), call(PUT, '{"S":"event#not-a-key"}')],
    outcome: { kind: 'response', value: undefined } as const,
    failedMessageIds: new Set<string>(),
  });

  test('Items are deleted after their time, later if messages were returned', () => {
    let nowMs = 0;
    const deleted: string[] = [];
    const window = new LocalDedupWindow(
      (pk) => deleted.push(pk),
      () => nowMs,
    );
    window.onInvocation(used('event#1', 'marker#a'));
    window.onInvocation({ ...used('event#2'), failedMessageIds: new Set(['m']) });
    nowMs = 130_000;
    window.onInvocation(used());
    expect(deleted).toEqual(['event#1', 'marker#a']);
    nowMs = 610_000;
    window.onInvocation(used());
    expect(deleted).toEqual(['event#1', 'marker#a', 'event#2']);
    expect(window.shortestWindowMs).toBe(120_000);
  });

  test('The number of items is bounded', () => {
    const deleted: string[] = [];
    const window = new LocalDedupWindow((pk) => deleted.push(pk));
    for (let n = 0; n < 300; n++)
      window.onInvocation(used(...Array.from({ length: 1_000 }, (_, index) => `event#${n}-${index}`)));
    expect(deleted).toHaveLength(50_000);
    expect(deleted[0]).toBe('event#0-0');
    expect(window.shortestWindowMs).toBeLessThan(120_000);
  });
});
