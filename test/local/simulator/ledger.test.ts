import fc from 'fast-check';
import { eventKey } from 'switchboard-local/simulator/frame.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { describe, expect, test } from 'vitest';

const AT_MS = 1_800_000_000_000;

/** Records an event that one socket has flushed. */
function send(ledger: Ledger, key: string, atMs = AT_MS): void {
  const entry = ledger.begin(key, 'topic', atMs);
  ledger.deliver(entry).flushed();
  ledger.offered(entry);
}

describe('the key', () => {
  test('The key of a frame depends on its topic and body only, and survives a JSON round trip', () => {
    const ledger = new Ledger();
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (topicName, eventBody) => {
        const frame = JSON.parse(JSON.stringify({ topicName, eventBody })) as {
          topicName: string;
          eventBody: unknown;
        };
        expect(ledger.keyOf(frame)).toBe(eventKey(topicName, JSON.stringify(frame.eventBody)));
      }),
    );
    expect(eventKey('a', '{}')).not.toBe(eventKey('b', '{}'));
    expect(eventKey('a', '{}')).not.toBe(eventKey('a', '[]'));
  });

  test('A custom key function replaces the default one', () => {
    const ledger = new Ledger({ keyOf: ({ topicName }) => topicName });
    expect(ledger.keyOf({ topicName: 't', eventBody: 1 }, '1')).toBe('t');
  });
});

describe('the report', () => {
  test('The report distinguishes lost, repeated, allowed and unexpected events', () => {
    const ledger = new Ledger();
    for (const key of ['once', 'twice', 'allowed', 'thrice', 'lost']) send(ledger, key);
    ledger.allowRepeat('allowed');
    ledger.allowRepeat('thrice');
    const arrivals = [
      'once',
      'twice',
      'twice',
      'allowed',
      'allowed',
      'thrice',
      'thrice',
      'thrice',
      'never sent',
    ];
    for (const key of arrivals) ledger.received(key, AT_MS + 10);
    expect(ledger.report()).toMatchObject({
      sent: 5,
      published: 4,
      lost: 1,
      lostKeys: ['lost'],
      publishedTwice: 2,
      publishedTwiceUnknown: 2,
      unexpected: 1,
      uncovered: 0,
      unproven: 0,
    });
    ledger.allowRepeat('twice');
    expect(ledger.report()).toMatchObject({ publishedTwice: 1, publishedTwiceUnknown: 3 });
  });

  test('The report lists at most 20 lost keys', () => {
    const ledger = new Ledger();
    for (let n = 0; n < 30; n += 1) send(ledger, String(n));
    expect(ledger.report().lostKeys).toHaveLength(20);
  });

  test('Latency counts from the first write, and stalled events are reported apart', () => {
    const ledger = new Ledger();
    for (let n = 1; n <= 100; n += 1) {
      send(ledger, String(n));
      ledger.received(String(n), AT_MS + n);
    }
    send(ledger, 'stalled');
    ledger.markStalled('stalled');
    ledger.received('stalled', AT_MS + 5_000);
    const { latencyMs, latencyStalledMs } = ledger.report();
    expect(latencyMs.count).toBe(100);
    expect(latencyMs.p50).toBeCloseTo(50, 0);
    expect(latencyMs.p99).toBeCloseTo(99, 0);
    expect(latencyMs.max).toBeCloseTo(100, 0);
    expect(latencyStalledMs.count).toBe(1);
    expect(latencyStalledMs.max / 5_000).toBeCloseTo(1, 2);
  });

  test('Uncovered events that are close together form one span', () => {
    const ledger = new Ledger();
    for (const offsetMs of [0, 10, 25, 5_000])
      ledger.offered(ledger.begin(`at ${offsetMs}`, 't', AT_MS + offsetMs));
    expect(ledger.report()).toMatchObject({
      uncovered: 4,
      uncoveredSpans: [
        { fromMs: AT_MS, toMs: AT_MS + 25, events: 3 },
        { fromMs: AT_MS + 5_000, toMs: AT_MS + 5_000, events: 1 },
      ],
    });
    ledger.received('at 0');
    expect(ledger.report().unexpected).toBe(1);
  });
});

describe('deliveries', () => {
  test('An event is sent once one socket has flushed it, and unproven once its last delivery is in doubt', () => {
    const ledger = new Ledger();
    const entry = ledger.begin('a', 't');
    const [first, second] = [ledger.deliver(entry), ledger.deliver(entry)];
    ledger.offered(entry);
    expect(ledger.report().sent).toBe(0);
    expect(ledger.outstanding).toBe(1);
    first.flushed();
    expect(ledger.report()).toMatchObject({ sent: 1, lost: 1 });
    second.failed();
    first.doubted();
    expect(ledger.report()).toMatchObject({ sent: 0, lost: 0, unproven: 1 });
    expect(ledger.outstanding).toBe(0);
    ledger.received('a');
    expect(ledger.report()).toMatchObject({ sent: 1, unproven: 0, published: 1 });
  });

  test('The counts add up whatever the order of deliveries and arrivals', () => {
    const action = fc.record({
      event: fc.nat(4),
      what: fc.constantFrom('flushed', 'failed', 'proven', 'doubted', 'received'),
      socket: fc.nat(1),
    });
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
        (actions, sockets) => {
          const ledger = new Ledger();
          const events = sockets.map((count, event) => {
            const entry = ledger.begin(String(event), 't');
            const deliveries = Array.from({ length: count }, () => ledger.deliver(entry));
            ledger.offered(entry);
            return deliveries;
          });
          for (const { event, what, socket } of actions) {
            if (what === 'received') ledger.received(String(event));
            else events[event]?.[socket]?.[what]();
          }
          const report = ledger.report();
          expect(report.sent + report.uncovered + report.unproven + ledger.outstanding - report.lost).toBe(5);
          expect(report.sent).toBe(report.lost + report.published);
        },
      ),
    );
  });
});

describe('settling', () => {
  test('The ledger settles when every event is on the bus', async () => {
    const ledger = new Ledger();
    expect(await ledger.settled()).toBe(true);
    send(ledger, 'a');
    const settled = ledger.settled(10_000);
    ledger.received('a');
    expect(await settled).toBe(true);
  });

  test('Settling resolves with false after the timeout', async () => {
    const ledger = new Ledger();
    send(ledger, 'a');
    expect(await ledger.settled(5)).toBe(false);
  });
});

describe('memory', () => {
  test('Entries of published events are bounded: old ones stay counted, and their repeats are unexpected', () => {
    const ledger = new Ledger({ maxEntries: 100 });
    for (let n = 0; n < 1_000; n += 1) {
      send(ledger, String(n));
      ledger.received(String(n));
    }
    ledger.received('999');
    ledger.received('0');
    expect(ledger.report()).toMatchObject({
      sent: 1_000,
      published: 1_000,
      lost: 0,
      publishedTwice: 1,
      unexpected: 1,
    });
  });

  test('Entries of open events are bounded when nothing reaches the bus', () => {
    const ledger = new Ledger({ maxEntries: 100 });
    for (let n = 0; n < 1_000; n += 1) send(ledger, String(n));
    expect(ledger.report()).toMatchObject({ sent: 1_000, lost: 1_000 });
    expect(ledger.report().foldedOpen).toBeGreaterThanOrEqual(900);
  });

  test('Entries of published events are dropped after their time', () => {
    const ledger = new Ledger({ foldAfterMs: 1_000 });
    for (const [key, offsetMs] of [
      ['a', 0],
      ['b', 2_000],
      ['c', 4_000],
    ] as const) {
      send(ledger, key, AT_MS);
      ledger.received(key, AT_MS + offsetMs);
    }
    ledger.received('a', AT_MS + 4_000);
    ledger.received('c', AT_MS + 4_000);
    expect(ledger.report()).toMatchObject({ unexpected: 1, publishedTwice: 1 });
  });
});
