import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import type { NativeFaultKind } from 'switchboard-local/simulator/native-fault-kinds.ts';
import { NativeIntegration, type PartnerEntry } from 'switchboard-local/simulator/native-integration.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const TOPIC = 'v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.presence';

let ledger: Ledger;
let integration: NativeIntegration;
let puts: PartnerEntry[][];
/** Answers a call of PutPartnerEvents. */
let answer: (entries: readonly PartnerEntry[]) => readonly boolean[];

beforeEach(() => {
  vi.useFakeTimers();
  ledger = new Ledger();
  puts = [];
  answer = (entries) => entries.map(() => true);
});
afterEach(() => {
  integration.close();
  vi.useRealTimers();
});

function start(rates: Partial<Record<NativeFaultKind, number>> = {}): void {
  integration = new NativeIntegration({ ledger, seed: 1, topics: ['v2.users.{id}.presence'], rates });
  integration.connect(async (entries) => {
    puts.push([...entries]);
    return answer(entries);
  });
}

/** Offers an event that no socket gets. */
function offer(
  topicName = TOPIC,
  text = `{"topicName":"${topicName}","eventBody":{"big":9007199254740993}}`,
) {
  const entry = ledger.begin(topicName);
  integration.offer(entry, text);
  ledger.offered(entry);
}

describe('without faults', () => {
  test('An event is put with its text and a time, and counts as sent once it is accepted', async () => {
    start();
    offer();
    expect(ledger.report()).toMatchObject({ sent: 0, uncovered: 0 });
    await vi.advanceTimersByTimeAsync(20);
    await integration.idle();
    expect(puts.flat()).toMatchObject([
      { Source: integration.eventSource, DetailType: 'v2.users.{id}.presence' },
    ]);
    expect(puts[0]?.[0]?.Detail).toMatch(/"big":9007199254740993\},"timestamp":"[\d-]+T[\d:.]+Z"\}$/);
    expect(ledger.report()).toMatchObject({ sent: 1, lost: 1 });
  });

  test('Other topics, and events that are too large for EventBridge, are not sent', async () => {
    start();
    offer('v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.activity');
    offer(TOPIC, `{"eventBody":"${'x'.repeat(60_000)}"}`);
    await vi.advanceTimersByTimeAsync(100);
    expect(puts).toEqual([]);
    expect(ledger.report()).toMatchObject({ uncovered: 2 });
  });

  test('An event that EventBridge does not accept, or does not respond to, is sent again', async () => {
    start();
    const answers = [
      () => [true, false],
      () => {
        throw new Error('no answer');
      },
    ];
    answer = (entries) => answers.shift()?.() ?? entries.map(() => true);
    offer();
    offer();
    await vi.advanceTimersByTimeAsync(1_000);
    await integration.idle();
    expect(puts.map(({ length }) => length)).toEqual([2, 1, 1]);
    expect(ledger.report()).toMatchObject({ sent: 2 });
  });

  test('At most twenty events are sent in one call', async () => {
    start();
    for (let left = 50; left > 0; left -= 1) offer();
    await vi.advanceTimersByTimeAsync(100);
    expect(puts.map(({ length }) => length)).toEqual([20, 20, 10]);
  });
});

describe('the faults', () => {
  test('native_repeat puts an event again later, with the same detail', async () => {
    start({ native_repeat: 1 });
    offer();
    await vi.advanceTimersByTimeAsync(3_000);
    const [first, second] = puts.flat();
    expect(second).toEqual(first);
    expect(integration.counts).toMatchObject({ native_repeat: 1 });
  });

  test('native_delay puts events late', async () => {
    start({ native_delay: 1 });
    for (let left = 50; left > 0; left -= 1) offer();
    await vi.advanceTimersByTimeAsync(20);
    expect(puts.flat().length).toBeLessThan(50);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(puts.flat()).toHaveLength(50);
  });

  test('native_outage drops the events of a moment, until the faults are stopped', async () => {
    start({ native_outage: 1 });
    offer();
    offer();
    expect(integration.counts).toMatchObject({ native_outage: 1 });
    expect(ledger.report()).toMatchObject({ uncovered: 2 });
    integration.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    offer();
    await vi.advanceTimersByTimeAsync(100);
    expect(puts.flat()).toHaveLength(1);
  });
});
