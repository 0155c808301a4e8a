import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { OneSpeaker } from '../../functions/ingester/one-speaker.ts';
import type { Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import type { SignalSink } from '../../functions/ingester/signal-sink.ts';
import { histories } from '../histories.ts';
import { KeptItems } from './kept-items.ts';
import { type OverlapRun, overlapRun } from './overlap-simulation.ts';
import { TestLog } from './test-log.ts';

const SEEDS = Array.from({ length: histories(10, 40) }, (_, index) => index + 1);
const OVERLAPS = 12;
const START_MS = 1_800_000_000_000;
/** How long a presence lasts whose message changes. */
const PRESENCE_MS = 5_000;

beforeEach(() => vi.useFakeTimers({ now: START_MS }));
afterEach(() => vi.useRealTimers());

interface Receiver {
  open(session: Session): void;
  end: SignalSink['end'];
  event(session: Session, occurrence: number): void;
}

/** Play what the client sees, at its times. */
function play({ steps }: OverlapRun, receiver: Receiver): void {
  const sessions = new Map<number, Session>();
  const startMs = Date.now();
  const startTick = performance.now();
  for (const step of steps) {
    const { connection, atMs } = step;
    const session = sessions.get(connection) ?? {
      url: `ws://${connection}`,
      onOpen: () => [],
      onFrame: () => [],
    };
    sessions.set(connection, session);
    vi.advanceTimersByTime(Math.max(0, atMs - (Date.now() - startMs)));
    if (step.kind === 'event') receiver.event(session, step.occurrence);
    else if (step.kind === 'end') receiver.end(session, { tick: startTick + step.readUntilMs });
    else receiver.open(session);
  }
}

/** Deliveries of each occurrence that the speaker lets pass. */
function passed(run: OverlapRun): Map<number, number> {
  const speaker = new OneSpeaker<number>();
  const counts = new Map<number, number>();
  const pass = (values: readonly number[]) => {
    for (const one of values) counts.set(one, (counts.get(one) ?? 0) + 1);
  };
  play(run, {
    open: (session) => speaker.open(session),
    end: (session, end) => pass(speaker.end(session, end).released),
    event: (session, occurrence) =>
      pass(speaker.take(session, { value: occurrence, topicName: 'topic', bytes: 100 })),
  });
  return counts;
}

const deliveredOf = ({ steps }: OverlapRun) =>
  new Set(steps.flatMap((step) => (step.kind === 'event' ? [step.occurrence] : [])));

describe('a seeded simulation of overlapping connections', () => {
  test('The simulation has hundreds of occurrences per seed, and handovers of every kind', () => {
    const runs = SEEDS.map((seed) => overlapRun(seed, OVERLAPS));
    const kinds = runs.flatMap(({ handovers }) => handovers.map(({ kind }) => kind));
    expect(runs.reduce((sum, { occurrences }) => sum + occurrences.length, 0)).toBeGreaterThan(
      500 * SEEDS.length,
    );
    expect(kinds.filter((kind) => kind === 'answered').length).toBeGreaterThan(3.75 * SEEDS.length);
    expect(kinds.filter((kind) => kind === 'dead').length).toBeGreaterThan(2.5 * SEEDS.length);
    expect(kinds.filter((kind) => kind === 'slow').length).toBeGreaterThan(0.75 * SEEDS.length);
  });

  test.each(SEEDS)('With seed %i no occurrence that a connection delivered is lost', (seed) => {
    const run = overlapRun(seed, OVERLAPS);
    const counts = passed(run);
    expect([...deliveredOf(run)].filter((occurrence) => !counts.has(occurrence))).toEqual([]);
  });

  test.each(SEEDS)(
    'With seed %i an occurrence passes twice only within a round trip of a handover',
    (seed) => {
      const run = overlapRun(seed, OVERLAPS);
      const twice = [...passed(run)].filter(([, count]) => count > 1).map(([occurrence]) => occurrence);
      const unexplained = twice.filter((occurrence) => {
        const atMs = run.occurrences[occurrence] ?? 0;
        return !run.handovers.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
      });
      expect(unexplained).toEqual([]);
    },
  );

  test('Without a dead or slow connection, fewer than two in a hundred occurrences pass twice', () => {
    let doubles = 0;
    let occurrences = 0;
    for (const seed of SEEDS) {
      const run = overlapRun(seed, OVERLAPS);
      const unanswered = run.handovers.filter(({ kind }) => kind !== 'answered');
      for (const [occurrence, count] of passed(run)) {
        const atMs = run.occurrences[occurrence] ?? 0;
        if (unanswered.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs)) continue;
        occurrences++;
        doubles += count - 1;
      }
    }
    expect(occurrences).toBeGreaterThan(250 * SEEDS.length);
    expect(doubles / occurrences).toBeLessThan(0.02);
  });
});

describe('the intake in the same simulation', () => {
  const TOPIC = 'v2.conversations.2f7bf00a-0fc2-4d6a-9b56-92238191433e.state';

  test.each(SEEDS.slice(0, 10))(
    'With seed %i the intake queues every delivered occurrence of a recurring state, each with its own id',
    (seed) => {
      const run = overlapRun(seed, OVERLAPS);
      const queue = new KeptItems();
      const intake = new Intake(queue, { onSequenceGap: () => {} }, new TestLog());
      const sink = intake.sink('notification-channels', '0');
      // Three states recur, so that no content is unique.
      const stateOf = (occurrence: number) => occurrence % 3;
      const frame = Buffer.from('a frame');
      play(run, {
        open: sink.open,
        end: sink.end,
        event: (session, occurrence) => {
          const eventBody = { state: stateOf(occurrence) };
          sink.take(session, { kind: 'event', event: { frame: { topicName: TOPIC, eventBody } } }, frame);
        },
      });
      const counts = passed(run);
      for (const state of [0, 1, 2]) {
        const expected = [...counts].reduce(
          (sum, [occurrence, count]) => sum + (stateOf(occurrence) === state ? count : 0),
          0,
        );
        const items = queue.events.filter(({ frame: { eventBody } }) => eventBody.state === state);
        expect(items).toHaveLength(expected);
      }
      expect(new Set(queue.events.map(({ id }) => id)).size).toBe(queue.items.length);
      expect(queue.items.length).toBeGreaterThanOrEqual(deliveredOf(run).size);
    },
  );

  test.each(SEEDS)(
    'With seed %i every delivered presence is queued, also one that began before a connection was opened',
    (seed) => {
      const run = overlapRun(seed, OVERLAPS);
      const queue = new KeptItems();
      const intake = new Intake(queue, { onSequenceGap: () => {} }, new TestLog());
      const sink = intake.sink('notification-channels', '0');
      const topicName = 'v2.users.2f7bf00a-0fc2-4d6a-9b56-92238191433e.presence';
      // The message changes more often than the time of the presence.
      const modifiedMs = (occurrence: number) =>
        Math.floor((START_MS + (run.occurrences[occurrence] ?? 0)) / PRESENCE_MS) * PRESENCE_MS;
      play(run, {
        open: sink.open,
        end: sink.end,
        event: (session, occurrence) => {
          const eventBody = {
            source: 'PURECLOUD',
            modifiedDate: new Date(modifiedMs(occurrence)).toISOString(),
            presenceDefinition: { id: 'busy' },
            message: String(occurrence),
          };
          sink.take(
            session,
            { kind: 'event', event: { frame: { topicName, eventBody } } },
            Buffer.from('frame'),
          );
        },
      });
      const queued = new Set(queue.events.map(({ frame }) => Number(frame.eventBody.message)));
      expect([...deliveredOf(run)].filter((occurrence) => !queued.has(occurrence))).toEqual([]);
    },
  );
});
