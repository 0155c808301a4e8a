import { Generator } from 'switchboard-local/simulator/generator.ts';
import { afterEach, expect, test } from 'vitest';
import { LocalSystem, until } from './local-system.ts';

const EVENTS = 1_500;
const BURST = 100;
/** Topics whose events all differ. `judged-runs.test.ts` has events that repeat. */
const TOPICS = ['v2.analytics.queues.{id}.observations', 'v2.users.{id}.routingStatus'];

let system: LocalSystem;

afterEach(async () => {
  await system.close();
});

/** Asserts the invariants of every run. */
function expectBalance(): void {
  const report = system.ledger.report();
  expect(report).toMatchObject({
    lost: 0,
    lostKeys: [],
    publishedTwice: 0,
    publishedTwiceUnknown: 0,
    unexpected: 0,
  });
  expect(report.published).toBe(report.sent);
  expect(system.published).toHaveLength(report.published);
  expect(report.sent + report.uncovered + report.unproven).toBe(EVENTS);
}

/** Emits events in bursts, and calls `afterBurst` after each. */
async function play(afterBurst: (burst: number) => Promise<void> | void): Promise<void> {
  const generator = new Generator(system.simulator, { seed: 1, topics: TOPICS });
  for (let burst = 1; burst <= EVENTS / BURST; burst++) {
    for (let index = 0; index < BURST; index++) system.simulator.emit(generator.next());
    await afterBurst(burst);
  }
}

test('Without faults, every event reaches the bus once', async () => {
  system = await LocalSystem.start();
  await play(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
  await system.settled();
  expectBalance();
  expect(system.ledger.report()).toMatchObject({ sent: EVENTS, uncovered: 0, unproven: 0 });
  expect(system.ingester.coverage.totals.gaps).toBe(0);
  const [event] = system.published;
  expect(event).toMatchObject({
    source: 'genesys.cloud',
    'detail-type': expect.stringMatching(/^v2\..*\{id\}/),
    detail: { metadata: { protocol: 'notification-channels', backfilled: false } },
  });
  for (const queue of ['eventsQueue', 'deadLetterQueue', 'quarantineQueue'] as const)
    expect(system.countIn(queue)).toBe(0);
});

test('With dropped sockets and repeated, reordered frames and messages, every event sent is published once', async () => {
  system = await LocalSystem.start({ rates: { duplicate_delivery: 0.3, reorder: 0.3 } });
  const { hooks } = system.simulator;
  await play(async (burst) => {
    hooks.duplicateNext();
    hooks.reorderNext();
    if (burst % 5 !== 0) return;
    // Everything that was written to the socket arrives before it ends.
    hooks.drop();
    await until(() => system.simulator.liveConnections === 0);
    await until(() => system.ingester.isCovered && system.simulator.liveConnections > 0);
  });
  await system.settled();
  await system.drain();
  expectBalance();
  const { totals } = system.ingester.intake;
  expect(totals.copies).toBeGreaterThan(0);
  expect(totals.received).toBe(system.published.length + totals.copies);
  expect(system.faults.counts.duplicate_delivery).toBeGreaterThan(0);
  expect(system.ingester.coverage.totals.gaps).toBeGreaterThanOrEqual(2);
});

test('Events that are sent without a connection are uncovered, and a gap is recorded', async () => {
  system = await LocalSystem.start();
  const fromMs = Date.now();
  let dropBurst = 0;
  await play(async (burst) => {
    if (burst === 5) {
      system.simulator.hooks.drop();
      await until(() => system.simulator.liveConnections === 0);
      dropBurst = burst;
    }
    if (burst === dropBurst + 1) await until(() => system.simulator.liveConnections > 0);
  });
  await system.settled();
  await system.drain();
  expectBalance();
  const { uncovered, uncoveredSpans } = system.ledger.report();
  expect(uncovered).toBeGreaterThanOrEqual(BURST);
  expect(uncoveredSpans.length).toBeGreaterThan(0);
  const topics = [
    ...system.simulator.queueIds.map((id) => `v2.analytics.queues.${id}.observations`),
    ...system.simulator.userIds.map((id) => `v2.users.${id}.routingStatus`),
  ];
  expect(await system.judgeGaps(topics)).toMatchObject({ explained: uncovered, unexplained: 0 });
  expect(await system.judgeGaps(topics.slice(1))).toMatchObject({
    unexplainedTopics: [[topics[0], expect.any(Number)]],
  });
  expect(system.ingester.coverage.totals.gaps).toBeGreaterThan(0);
  expect(system.ingester.coverage.totals.gapSeconds).toBeLessThan((Date.now() - fromMs) / 1_000);
});

test('Frames that are not events end in the quarantine queue with their complete text', async () => {
  system = await LocalSystem.start();
  await play((burst) => {
    if (burst === 1) {
      system.simulator.hooks.garbage('this is not JSON');
      system.simulator.hooks.garbage(Buffer.from([0xff, 0x00, 0xfe]));
    }
  });
  await system.settled();
  await until(() => system.countIn('quarantineQueue') === 2);
  expectBalance();
  const bodies = system.emulator.sqs
    .queue('switchboard-quarantine')
    .peek()
    .map(({ body }) => JSON.parse(body).events[0].rejected);
  expect(bodies).toMatchObject([
    { reason: 'not_json', encoding: 'utf8', body: 'this is not JSON' },
    { encoding: 'base64', body: Buffer.from([0xff, 0x00, 0xfe]).toString('base64') },
  ]);
});
