import { DEFAULT_TOPICS, GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { histories } from '../histories.ts';
import { LocalSystem, until } from './local-system.ts';

const BURST_EVENTS = 100;
/** Time for the events of a burst to pass through the pipeline. */
const SETTLE_MS = 5_000;

let system: LocalSystem;

afterEach(async () => {
  await system.close();
});

/** Emits events in bursts, and calls `afterBurst` after each. */
async function play(
  events: number,
  topics: readonly string[],
  afterBurst: (burst: number) => Promise<void> | void = () => undefined,
): Promise<void> {
  const generator = new Generator(system.simulator, { seed: 1, topics });
  for (let burst = 1; burst <= events / BURST_EVENTS; burst++) {
    for (let index = 0; index < BURST_EVENTS; index++) system.simulator.emit(generator.next());
    await afterBurst(burst);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await system.ledger.settled(SETTLE_MS);
  await system.drain();
}

/** What the judge counts, and the topics of what was lost. */
function verdict() {
  const { lost, publishedTwice, publishedTwiceUnknown, unexpected } = system.ledger.report();
  const topics = [...system.ledger.lost()].map(({ topicName }) =>
    topicName.replace(/[0-9a-f-]{36}/g, '{id}'),
  );
  return { lost, topics: [...new Set(topics)], publishedTwice, publishedTwiceUnknown, unexpected };
}

const SOUND = { lost: 0, topics: [], publishedTwice: 0, publishedTwiceUnknown: 0, unexpected: 0 };

describe('states that recur', () => {
  test('Every event of users and queues reaches the bus once, even if its state has occurred before', async () => {
    system = await LocalSystem.start();
    await play(2_000, DEFAULT_TOPICS);
    expect(verdict()).toEqual(SOUND);
    expect(system.ledger.report()).toMatchObject({ published: 2_000, uncovered: 0, unproven: 0 });
  });

  test.each(GENERATED_TOPICS.slice(-histories(2, GENERATED_TOPICS.length)))(
    'Every event of %s reaches the bus once',
    async (topic) => {
      system = await LocalSystem.start({ everyTopic: true });
      await play(500, [topic]);
      expect(verdict()).toEqual(SOUND);
    },
  );

  test('Copies of an event on two connections are published once, or are marked as weak', async () => {
    system = await LocalSystem.start();
    await play(2_000, DEFAULT_TOPICS, async (burst) => {
      if (burst % 5 !== 0) return;
      system.simulator.closingSoon();
      const overlapped = new Promise<void>((resolve) => {
        system.simulator.onOverlap = resolve;
      });
      await overlapped;
    });
    expect(verdict()).toEqual(SOUND);
    const { copies } = system.ingester.intake.totals;
    expect(copies + system.ledger.report().publishedTwiceWeak).toBeGreaterThan(0);
  });
});

describe('gap records', () => {
  test('Events that no connection received are in a gap record that names their topic', async () => {
    system = await LocalSystem.start();
    await play(1_500, DEFAULT_TOPICS, async (burst) => {
      if (burst === 5) system.simulator.dropSockets();
      if (burst === 6) await until(() => system.simulator.liveConnections > 0);
    });
    const { uncovered, unproven } = system.ledger.report();
    expect(uncovered + unproven).toBeGreaterThan(0);
    expect(await system.judgeGaps()).toMatchObject({ explained: uncovered + unproven, unexplained: 0 });
  });
});

describe('large events', () => {
  test.each([1, 3, 12].slice(-histories(1, 3)))(
    'An event with a body of %i MiB reaches the bus by reference',
    async (mebibytes) => {
      system = await LocalSystem.start();
      const [channelId = ''] = system.simulator.channelIds;
      expect(system.simulator.faultTarget.emitLarge(channelId, mebibytes * 1_048_576)).toBe(1);
      await play(BURST_EVENTS, ['v2.analytics.queues.{id}.observations']);
      expect(verdict()).toEqual(SOUND);
    },
  );
});
