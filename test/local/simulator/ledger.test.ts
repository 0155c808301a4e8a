import fc from 'fast-check';
import { EqualEvents } from 'switchboard-local/simulator/equal-events.ts';
import { SERIAL_FIELD } from 'switchboard-local/simulator/frame.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { type LedgerEntry, RepeatGroup } from 'switchboard-local/simulator/ledger-entry.ts';
import { beforeEach, describe, expect, test } from 'vitest';

const AT_MS = 1_800_000_000_000;

/** Records an event that one or more sockets have flushed. Returns its serial number. */
function send(ledger: Ledger, { atMs = AT_MS, sockets = 1, topicName = 'topic' } = {}): number {
  const entry = ledger.begin(topicName, atMs);
  for (let left = sockets; left > 0; left -= 1) ledger.deliver(entry).flushed();
  ledger.offered(entry);
  return entry.serial;
}

describe('the serial number', () => {
  test('Two events with the same topic have different serial numbers', () => {
    const ledger = new Ledger();
    expect(send(ledger)).not.toBe(send(ledger));
  });

  test('The key of an event is the serial number in its metadata, regardless of its topic and body', () => {
    const ledger = new Ledger();
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.jsonValue(), (serial, topicName, eventBody) => {
        const metadata = { CorrelationId: 'one', [SERIAL_FIELD]: serial };
        const frame = { topicName, eventBody, metadata };
        expect(ledger.keyOf(JSON.parse(JSON.stringify(frame)) as typeof frame)).toBe(serial);
      }),
    );
  });

  test.each([[undefined], [null], ['text'], [{}], [{ [SERIAL_FIELD]: '7' }], [{ [SERIAL_FIELD]: 1.5 }]])(
    'An event with the metadata %j has no key',
    (metadata) => {
      expect(new Ledger().keyOf({ metadata })).toBeUndefined();
    },
  );

  test('An event that equals an earlier one counts as lost if only the earlier one is on the bus', () => {
    const ledger = new Ledger();
    const first = send(ledger);
    const second = send(ledger);
    ledger.received(first);
    expect(ledger.report()).toMatchObject({ sent: 2, published: 1, lost: 1, lostKeys: [second] });
  });
});

describe('the report', () => {
  test('The report distinguishes lost, repeated, allowed and unexpected events', () => {
    const ledger = new Ledger();
    const [once, twice, allowed, thrice, lost] = Array.from({ length: 5 }, () => send(ledger));
    for (const serial of [allowed, thrice]) ledger.allowRepeat(serial!);
    const arrivals = [once, twice, twice, allowed, allowed, thrice, thrice, thrice, 999, undefined];
    for (const serial of arrivals) ledger.received(serial, { atMs: AT_MS + 10 });
    expect(ledger.report()).toMatchObject({
      sent: 5,
      published: 4,
      lost: 1,
      lostKeys: [lost],
      publishedTwice: 2,
      publishedTwiceWeak: 0,
      publishedTwiceUnknown: 2,
      unexpected: 2,
      uncovered: 0,
      unproven: 0,
    });
    ledger.allowRepeat(twice!);
    expect(ledger.report()).toMatchObject({ publishedTwice: 2, publishedTwiceUnknown: 2 });
  });

  test('A weak event with another id is counted separately, once for each further socket', () => {
    const ledger = new Ledger();
    const serial = send(ledger, { sockets: 2 });
    for (const id of ['first', 'second']) ledger.received(serial, { id, isWeak: true });
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 1, publishedTwice: 0 });
    ledger.received(serial, { id: 'third', isWeak: true });
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 1, publishedTwice: 1 });
  });

  test('A weak event with another id is a duplicate if only one socket received it', () => {
    const ledger = new Ledger();
    const serial = send(ledger);
    for (const id of ['first', 'second']) ledger.received(serial, { id, isWeak: true });
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 0, publishedTwice: 1 });
  });

  test('A weak event that arrives again with the same id is a duplicate, although two sockets received it', () => {
    const ledger = new Ledger();
    const serial = send(ledger, { sockets: 2 });
    for (const id of ['first', 'first', 'second']) ledger.received(serial, { id, isWeak: true });
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 1, publishedTwice: 1 });
  });

  test('A second id is a duplicate if neither of the two is weak', () => {
    const ledger = new Ledger();
    const serial = send(ledger, { sockets: 2 });
    for (const id of ['first', 'second']) ledger.received(serial, { id });
    expect(ledger.report()).toMatchObject({ publishedTwiceWeak: 0, publishedTwice: 1 });
  });

  test.each([
    ['the copy comes last', ['first', 'first', 'second']],
    ['the copy comes before the repeat', ['first', 'second', 'second']],
    ['the copy comes between', ['first', 'second', 'first']],
  ])('An allowed repeat and a weak copy of one event are both explained when %s', (_, ids) => {
    const ledger = new Ledger();
    const serial = send(ledger, { sockets: 2 });
    ledger.allowRepeat(serial);
    for (const id of ids) ledger.received(serial, { id, isWeak: true });
    expect(ledger.report()).toMatchObject({
      publishedTwice: 0,
      publishedTwiceWeak: 1,
      publishedTwiceUnknown: 1,
    });
  });

  test('The report lists at most 20 lost keys, and the ledger all lost events with their topics', () => {
    const ledger = new Ledger();
    for (let n = 0; n < 30; n += 1) send(ledger, { topicName: `topic ${n}` });
    expect(ledger.report().lostKeys).toHaveLength(20);
    expect([...ledger.lost()].map(({ topicName }) => topicName)).toEqual(
      Array.from({ length: 30 }, (_, n) => `topic ${n}`),
    );
  });

  test('Latency counts from the first write, and stalled events are reported separately', () => {
    const ledger = new Ledger();
    for (let n = 1; n <= 100; n += 1) ledger.received(send(ledger), { atMs: AT_MS + n });
    const stalled = send(ledger);
    ledger.markStalled(stalled);
    ledger.received(stalled, { atMs: AT_MS + 5_000 });
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
    const entries = [0, 10, 25, 5_000].map((offsetMs) => ledger.begin('t', AT_MS + offsetMs));
    for (const entry of entries) ledger.offered(entry);
    expect(ledger.report()).toMatchObject({
      uncovered: 4,
      uncoveredSpans: [
        { fromMs: AT_MS, toMs: AT_MS + 25, events: 3 },
        { fromMs: AT_MS + 5_000, toMs: AT_MS + 5_000, events: 1 },
      ],
    });
    ledger.received(entries[0]!.serial);
    expect(ledger.report().unexpected).toBe(1);
  });
});

describe('missing events', () => {
  test('Uncovered and unproven events are missing, with topic and time', () => {
    const ledger = new Ledger();
    send(ledger);
    ledger.offered(ledger.begin('never sent', AT_MS));
    const unproven = ledger.begin('unproven', AT_MS + 1);
    const unprovenDelivery = ledger.deliver(unproven);
    unprovenDelivery.flushed();
    unprovenDelivery.doubted();
    const failed = ledger.begin('failed', AT_MS + 2);
    ledger.deliver(failed).failed();
    expect([...ledger.missing()]).toMatchObject([
      { topicName: 'never sent', atMs: AT_MS },
      { topicName: 'unproven', atMs: AT_MS + 1 },
      { topicName: 'failed', atMs: AT_MS + 2 },
    ]);
    ledger.received(unproven.serial);
    expect([...ledger.missing()].map(({ topicName }) => topicName)).toEqual(['never sent', 'failed']);
  });

  test('When the reader is killed, events that are not on the bus become unproven, and later ones do not', () => {
    const ledger = new Ledger();
    ledger.received(send(ledger));
    const inMemory = send(ledger, { topicName: 'in memory' });
    const inQueue = send(ledger);
    ledger.readerKilled();
    send(ledger);
    ledger.received(inQueue);
    expect(ledger.report()).toMatchObject({ sent: 3, published: 2, unproven: 1, lost: 1 });
    expect([...ledger.missing()]).toMatchObject([{ topicName: 'in memory', atMs: AT_MS }]);
    ledger.received(inMemory);
    expect(ledger.report()).toMatchObject({ sent: 4, published: 3, unproven: 0, lost: 1 });
  });
});

describe('recorded lines with the same content', () => {
  test('A line counts as repeated, not as lost, if an equal one is on the bus, in either order', () => {
    for (const arrives of [0, 1]) {
      const ledger = new Ledger();
      const group = new RepeatGroup();
      const entries = [0, 1].map(() => {
        const entry = ledger.begin('t', AT_MS, group);
        ledger.deliver(entry).flushed();
        ledger.offered(entry);
        return entry;
      });
      expect(ledger.report()).toMatchObject({ lost: 2, repeated: 0 });
      ledger.received(entries[arrives]!.serial);
      expect(ledger.report()).toMatchObject({ sent: 2, lost: 0, repeated: 1, published: 1 });
      expect(ledger.outstanding).toBe(0);
    }
  });

  test('Lines with the same content are lost if none of them is on the bus', () => {
    const ledger = new Ledger();
    const group = new RepeatGroup();
    for (let left = 2; left > 0; left -= 1) {
      const entry = ledger.begin('t', AT_MS, group);
      ledger.deliver(entry).flushed();
      ledger.offered(entry);
    }
    expect(ledger.report()).toMatchObject({ lost: 2, repeated: 0 });
  });
});

describe('equal events on two paths', () => {
  let ledger: Ledger;
  let group: EqualEvents;
  beforeEach(() => {
    ledger = new Ledger();
    group = new EqualEvents();
  });

  /** An event that is delivered on these paths. */
  function sent(...paths: readonly ('socket' | 'integration')[]): LedgerEntry {
    const entry = ledger.begin('t', AT_MS, group);
    for (const path of paths) ledger.deliver(entry, path).flushed();
    ledger.offered(entry);
    return entry;
  }

  test('If one path has delivered both, one on the bus cannot stand for the other', () => {
    const [first] = [sent('socket', 'integration'), sent('integration')];
    ledger.received(first.serial, { id: 'a' });
    expect(ledger.report()).toMatchObject({ published: 1, lost: 1, repeated: 0 });
  });

  test('If no path has delivered both, one on the bus stands for the other', () => {
    const [first] = [sent('socket'), sent('integration')];
    ledger.received(first.serial, { id: 'a' });
    expect(ledger.report()).toMatchObject({ published: 1, lost: 0, repeated: 1 });
  });

  test('If one path has delivered both, two on the bus are both, whichever of them they are', () => {
    const [first] = [sent('socket', 'integration'), sent('integration')];
    ledger.received(first.serial, { id: 'a' });
    ledger.received(first.serial, { id: 'b', isWeak: true });
    expect(ledger.report()).toMatchObject({ lost: 0, repeated: 1, publishedTwice: 0 });
  });

  test('The same id twice is one event', () => {
    const [first] = [sent('socket', 'integration'), sent('integration')];
    ledger.received(first.serial, { id: 'a' });
    ledger.received(first.serial, { id: 'a' });
    expect(ledger.report()).toMatchObject({ lost: 1, publishedTwice: 1 });
  });

  test('A delivery that is in doubt does not count for its path', () => {
    const [first, second] = [sent('integration'), ledger.begin('t', AT_MS, group)];
    sent('socket');
    const doubtful = ledger.deliver(second);
    doubtful.flushed();
    ledger.offered(second);
    ledger.received(first.serial, { id: 'a' });
    expect(ledger.report()).toMatchObject({ lost: 2 });
    doubtful.doubted();
    ledger.received(first.serial, { id: 'a' });
    expect(ledger.report()).toMatchObject({ unproven: 1 });
  });

  test('An event that EventBridge has accepted still counts as sent when the process that reads the socket is killed', () => {
    sent('socket', 'integration');
    sent('socket');
    ledger.readerKilled();
    expect(ledger.report()).toMatchObject({ sent: 1, lost: 1, unproven: 1 });
  });
});

describe('deliveries', () => {
  test('An event is sent once one socket has flushed it, and unproven once its last delivery is in doubt', () => {
    const ledger = new Ledger();
    const entry = ledger.begin('t');
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
    ledger.received(entry.serial);
    expect(ledger.report()).toMatchObject({ sent: 1, unproven: 0, published: 1 });
  });

  test('The counts add up for any order of deliveries and arrivals', () => {
    const action = fc.record({
      event: fc.nat(4),
      what: fc.constantFrom('flushed', 'failed', 'proven', 'doubted', 'received', 'killed'),
      socket: fc.nat(1),
    });
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
        (actions, sockets) => {
          const ledger = new Ledger();
          const events = sockets.map((count) => {
            const entry = ledger.begin('t');
            const deliveries = Array.from({ length: count }, () => ledger.deliver(entry));
            ledger.offered(entry);
            return { entry, deliveries };
          });
          for (const { event, what, socket } of actions) {
            if (what === 'received') ledger.received(events[event]?.entry.serial);
            else if (what === 'killed') ledger.readerKilled();
            else events[event]?.deliveries[socket]?.[what]();
          }
          const report = ledger.report();
          expect(report.sent + report.uncovered + report.unproven + ledger.outstanding - report.lost).toBe(5);
          expect(report.sent).toBe(report.lost + report.published);
          expect([...ledger.missing()]).toHaveLength(report.uncovered + report.unproven);
        },
      ),
    );
  });
});

describe('settling', () => {
  test('The ledger settles when every event is on the bus', async () => {
    const ledger = new Ledger();
    expect(await ledger.settled()).toBe(true);
    const serial = send(ledger);
    const settled = ledger.settled(10_000);
    ledger.received(serial);
    expect(await settled).toBe(true);
  });

  test('Settling resolves with false after the timeout', async () => {
    const ledger = new Ledger();
    send(ledger);
    expect(await ledger.settled(5)).toBe(false);
  });
});

describe('memory', () => {
  test('A repeat is recognized however many events were published since', () => {
    const ledger = new Ledger();
    const first = send(ledger);
    ledger.received(first);
    for (let n = 0; n < 200_000; n += 1) ledger.received(send(ledger));
    ledger.received(first);
    expect(ledger.report()).toMatchObject({
      sent: 200_001,
      published: 200_001,
      publishedTwice: 1,
      unexpected: 0,
    });
    expect(ledger.find(first)).toBeUndefined();
  });

  test('The ledger is full while too many events are not on the bus', () => {
    const ledger = new Ledger({ maxOpenEvents: 100 });
    const serials = Array.from({ length: 100 }, () => send(ledger));
    expect(ledger.isFull).toBe(true);
    ledger.received(serials[0]);
    expect(ledger.isFull).toBe(false);
    expect(ledger.report()).toMatchObject({ sent: 100, lost: 99 });
  });
});
