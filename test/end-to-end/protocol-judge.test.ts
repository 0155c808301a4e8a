import { SERIAL_FIELD } from 'switchboard-local/simulator/frame.ts';
import type { GapRecord } from 'switchboard-local/simulator/gap-judge.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { Accounting } from '../../bin/local/accounting.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import type { Pipeline } from '../../bin/local/pipeline.ts';
import { ProtocolAccount } from '../../bin/local/protocol-account.ts';
import { shareOf } from '../../bin/local/protocol-shares.ts';
import type { LocalOptions } from '../../bin/local/run-options.ts';
import { judgeRun } from '../../bin/local/run-summary.ts';
import { verdictLines } from '../../bin/local/verdict.ts';

const NAMES = ['analytics-events', 'conversation-stream'] as const;
const TOPIC = 'a.topic';
const PUT = 'AWSEvents.PutEvents';

let accounts: [ProtocolAccount, ProtocolAccount];
let accounting: Accounting;
let records: GapRecord[];

beforeEach(() => {
  const [first, second] = NAMES.map(
    (name, number) => new ProtocolAccount(new Ledger({ number }), [name]),
  ) as typeof accounts;
  accounts = [first, second];
  accounting = new Accounting(accounts);
  records = [];
});

/** An event that one socket got. @returns its serial number */
function send(account: ProtocolAccount): number {
  const entry = account.ledger.begin(TOPIC);
  account.ledger.deliver(entry).flushed();
  account.ledger.offered(entry);
  return entry.serial;
}

function publish(serial: number, protocol: string): void {
  const event = { detail: { eventBody: {}, metadata: { [SERIAL_FIELD]: serial, protocol } } };
  accounting.onPublished({ busName: 'bus', event } as unknown as Parameters<Accounting['onPublished']>[0]);
}

async function judge() {
  const queue = () => ({ counts: () => ({ visible: 0 }), peek: () => [] });
  const pipeline = {
    ingester: { totals: {} },
    awsFaults: { counts: {} },
    consumed: { dropped: new Map(), crashes: 0 },
    emulator: { sqs: { queue } },
    gapRecords: async () => records,
  } as unknown as Pipeline;
  const protocols = NAMES.map((name, index) => ({
    name,
    receiver: 'ingester',
    cloud: { faults: undefined },
    account: accounts[index],
  })) as unknown as Parameters<typeof judgeRun>[0]['protocols'];
  const options = { faults: parseFaults('all') } as LocalOptions;
  return judgeRun({ options, protocols, accounting, pipeline }, undefined);
}

describe('the judge of a run with several protocols', () => {
  test('Each protocol has the fields of the whole, and the whole is their sum', async () => {
    const [first, second] = accounts;
    for (const account of [first, first, second]) publish(send(account), NAMES[accounts.indexOf(account)]!);
    const { result } = await judge();
    expect(result).toMatchObject({ sent: 3, published: 3, lost: 0 });
    expect(result.protocols).toMatchObject({
      'analytics-events': { sent: 2, published: 2 },
      'conversation-stream': { sent: 1, published: 1 },
    });
    const { protocols, ...whole } = result;
    for (const one of Object.values(protocols ?? {})) expect(Object.keys(one)).toEqual(Object.keys(whole));
  });

  test('An event that is lost in one protocol fails that protocol only', async () => {
    const [first, second] = accounts;
    publish(send(first), NAMES[0]);
    send(second);
    const judged = await judge();
    expect(judged.result.protocols).toMatchObject({
      'analytics-events': { lost: 0 },
      'conversation-stream': { lost: 1 },
    });
    const { isSound, lines } = verdictLines(judged);
    expect(isSound).toBe(false);
    expect(lines[0]).toMatch(/^FAILED: conversation-stream: 1 event lost/);
    expect(lines.join()).not.toContain('analytics-events');
  });

  test('An event under the name of another protocol counts for the cloud that has sent it, and fails it', async () => {
    publish(send(accounts[0]), NAMES[1]);
    const judged = await judge();
    expect(judged.result.protocols).toMatchObject({
      'analytics-events': { published: 1, wrongProtocol: 1 },
      'conversation-stream': { published: 0, wrongProtocol: 0 },
    });
    expect(verdictLines(judged).lines[0]).toMatch(
      /analytics-events: 1 event published under the name of another protocol/,
    );
  });

  test('The gap records of one protocol explain nothing of another one', async () => {
    const [first, second] = accounts;
    for (const { ledger } of [first, second]) ledger.offered(ledger.begin(TOPIC));
    const interval = { fromMs: Date.now() - 1_000, toMs: Date.now() + 1_000 };
    records.push({ ...interval, reason: '1006', topics: [TOPIC], protocol: NAMES[1] });
    const judged = await judge();
    expect(judged.result).toMatchObject({ uncovered: 2, unexplained: 1, gapRecords: 1 });
    expect(judged.result.protocols).toMatchObject({
      'analytics-events': { unexplained: 1, gapRecords: 0 },
      'conversation-stream': { unexplained: 0, gapRecords: 1 },
    });
  });

  test('An unknown outcome of a publish allows a repeat of its own events only', async () => {
    const [first, second] = accounts.map(send) as [number, number];
    const Detail = JSON.stringify({ metadata: { [SERIAL_FIELD]: first } });
    const body = JSON.stringify({ Entries: [{ Detail }] });
    accounting.onAwsFault({ kind: 'timeout_after_commit', target: PUT, body });
    for (let arrivals = 0; arrivals < 2; arrivals += 1) {
      publish(first, NAMES[0]);
      publish(second, NAMES[1]);
    }
    expect((await judge()).result.protocols).toMatchObject({
      'analytics-events': { publishedTwice: 0, publishedTwiceUnknown: 1 },
      'conversation-stream': { publishedTwice: 1, publishedTwiceUnknown: 0 },
    });
  });

  test('An event that no cloud has sent fails the protocol that it names', async () => {
    publish(accounts[1].ledger.badSerial(), NAMES[1]);
    publish(Number.NaN, NAMES[1]);
    expect((await judge()).result.protocols).toMatchObject({
      'analytics-events': { publishedTwice: 0 },
      'conversation-stream': { publishedTwice: 2 },
    });
  });
});

test('Events and rate are shared equally, and the first protocols get what remains', () => {
  const shares = [0, 1, 2].map((index) => shareOf({ events: 20, rate: 30 }, index, 3));
  expect(shares).toEqual([
    { events: 7, rate: 10 },
    { events: 7, rate: 10 },
    { events: 6, rate: 10 },
  ]);
});
