import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { histories } from '../histories.ts';
import { seeded } from './overlap-simulation.ts';
import { passWithEvents, SimulatedDeployment, type SimulatedTask } from './standby-simulation.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const SEEDS = Array.from({ length: Number(process.env.SEEDS ?? histories(5, 20)) }, (_, index) => index + 1);
/** Events happen five times a second on average. */
const EVENTS_PER_SECOND = 5;
/** A takeover sends again what the last leader received within the slack, since its last beat and since its last pong. */
const MAX_COPIED_SECONDS = 8;

beforeEach(() => vi.useFakeTimers({ now: START_MS }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Two tasks whose connections are live, one of which leads. */
async function startTwo(seed: number): Promise<SimulatedDeployment> {
  const random = seeded(seed);
  vi.spyOn(Math, 'random').mockImplementation(random);
  const deployment = new SimulatedDeployment(random, 2);
  deployment.start();
  await vi.advanceTimersByTimeAsync(deployment.between(0, 5_000));
  deployment.start();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(deployment.leaders).toHaveLength(1);
  await passWithEvents(deployment, deployment.between(1_000, 30_000));
  return deployment;
}

function leaderOf({ leaders }: SimulatedDeployment): SimulatedTask {
  const [leader] = leaders;
  if (!leader) throw new Error('No task leads.');
  return leader;
}

function followerOf({ tasks }: SimulatedDeployment): SimulatedTask {
  const follower = tasks.find(
    ({ isRunning, isStopping, role }) => isRunning && !isStopping && !role.isLeading,
  );
  if (!follower) throw new Error('There is no standby.');
  return follower;
}

/** Everything settles: connections, tables, unsent items. */
async function settle(deployment: SimulatedDeployment): Promise<void> {
  Object.assign(deployment.weather, { sqsFailures: 0, tableFailures: 0 });
  for (const task of deployment.tasks) task.canReachTable = true;
  await passWithEvents(deployment, 100_000);
  await vi.advanceTimersByTimeAsync(20_000);
}

describe('one fault while the other task is live', () => {
  test.each(SEEDS)('With seed %i nothing is missing when the leader is killed', async (seed) => {
    const deployment = await startTwo(seed);
    const standby = followerOf(deployment);
    leaderOf(deployment).kill();
    const killedAtMs = Date.now();
    await passWithEvents(deployment, 13_000);
    expect(standby.role.isLeading).toBe(true);
    expect((standby.ledAtMs[0] ?? 0) - killedAtMs).toBeLessThanOrEqual(12_000);
    deployment.start();
    await settle(deployment);
    expect(deployment.missing).toEqual([]);
    expect(deployment.reported).toEqual([]);
    expect(deployment.copies).toBeLessThan(MAX_COPIED_SECONDS * EVENTS_PER_SECOND);
  });

  test.each(SEEDS)(
    'With seed %i nothing is missing when a new task is live before the standby takes over',
    async (seed) => {
      const deployment = await startTwo(seed);
      leaderOf(deployment).kill();
      await passWithEvents(deployment, deployment.between(9_000, 10_500));
      deployment.start(0);
      await settle(deployment);
      expect(deployment.missing).toEqual([]);
      expect(deployment.reported).toEqual([]);
    },
  );

  test.each(SEEDS)(
    'With seed %i nothing is missing when a connection of the leader is half-open',
    async (seed) => {
      const deployment = await startTwo(seed);
      leaderOf(deployment).silence('0');
      await passWithEvents(deployment, 60_000);
      await settle(deployment);
      expect(deployment.missing).toEqual([]);
      expect(deployment.reported).toEqual([]);
      expect(deployment.leaders).toHaveLength(1);
    },
  );

  test.each(SEEDS)(
    'With seed %i nothing is missing when a connection of the leader is lost for minutes',
    async (seed) => {
      const deployment = await startTwo(seed);
      leaderOf(deployment).lose('1', undefined, deployment.between(1_000, 240_000));
      await passWithEvents(deployment, 250_000);
      await settle(deployment);
      expect(deployment.missing).toEqual([]);
      expect(deployment.reported).toEqual([]);
    },
  );

  test.each(SEEDS)(
    'With seed %i nothing is missing when the leader is killed while it has a gap',
    async (seed) => {
      const deployment = await startTwo(seed);
      const leader = leaderOf(deployment);
      if (seed % 2 === 0) leader.silence('0');
      else leader.lose('0', undefined, 600_000);
      await passWithEvents(deployment, deployment.between(0, 60_000));
      leader.kill();
      await settle(deployment);
      expect(deployment.missing).toEqual([]);
      expect(deployment.reported).toEqual([]);
    },
  );

  test.each(SEEDS)(
    'With seed %i nothing is missing when the leader stops, and the standby leads within 4 s',
    async (seed) => {
      const deployment = await startTwo(seed);
      const standby = followerOf(deployment);
      const stopping = leaderOf(deployment).stop();
      const stoppedAtMs = Date.now();
      await passWithEvents(deployment, 5_000);
      await stopping;
      expect((standby.ledAtMs[0] ?? Number.POSITIVE_INFINITY) - stoppedAtMs).toBeLessThanOrEqual(4_000);
      await settle(deployment);
      expect(deployment.missing).toEqual([]);
      expect(deployment.reported).toEqual([]);
      expect(deployment.copies).toBeLessThan(MAX_COPIED_SECONDS * EVENTS_PER_SECOND);
    },
  );

  test.each(SEEDS)(
    'With seed %i nothing is missing when the leader cannot reach the table for a while',
    async (seed) => {
      const deployment = await startTwo(seed);
      const leader = leaderOf(deployment);
      leader.canReachTable = false;
      await passWithEvents(deployment, deployment.between(1_000, 60_000));
      leader.canReachTable = true;
      await settle(deployment);
      expect(deployment.missing).toEqual([]);
      expect(deployment.reported).toEqual([]);
      expect(deployment.leaders).toHaveLength(1);
    },
  );

  test.each(SEEDS)('With seed %i a standby that nothing happens to sends nothing', async (seed) => {
    const deployment = await startTwo(seed);
    await passWithEvents(deployment, 120_000);
    await settle(deployment);
    expect(deployment.missing).toEqual([]);
    expect(deployment.copies).toBe(0);
    expect(deployment.tasks.flatMap(({ ledAtMs }) => ledAtMs)).toHaveLength(1);
  });
});

describe('kills one after another', () => {
  test.each(SEEDS)('With seed %i nothing is missing after ten kills of the leader', async (seed) => {
    const deployment = new SimulatedDeployment(seeded(seed), 2);
    deployment.start();
    deployment.start();
    // Before that, nobody can have what happens.
    while (!deployment.isSettled) await vi.advanceTimersByTimeAsync(20);
    for (let n = 0; n < 10; n++) {
      while (!deployment.isSettled) await passWithEvents(deployment, 20);
      await passWithEvents(deployment, deployment.between(0, seed % 2 === 0 ? 0 : 4_000));
      leaderOf(deployment).kill();
      await passWithEvents(deployment, deployment.between(500, 2_500));
      deployment.start();
      await passWithEvents(deployment, 200);
    }
    await settle(deployment);
    expect(deployment.missing).toEqual([]);
    expect(deployment.reported).toEqual([]);
  });
});

const HAPPENINGS = [
  'kill',
  'kill',
  'stop',
  'stop',
  'silence',
  'silence',
  'loss',
  'loss',
  'long loss',
  'no table',
  'bad table',
  'bad queue',
  'good weather',
] as const;

/** Something happens to one of the tasks or to AWS. At most three tasks run. */
function happen(deployment: SimulatedDeployment): void {
  const { tasks, weather } = deployment;
  const running = tasks.filter(({ isRunning, isStopping }) => isRunning && !isStopping);
  const task = running[deployment.between(0, running.length - 1)];
  const subscription = String(deployment.between(0, 1));
  switch (HAPPENINGS[deployment.between(0, HAPPENINGS.length - 1)]) {
    case 'kill':
      task?.kill();
      break;
    case 'stop':
      if (weather.sqsFailures === 0) void task?.stop();
      break;
    case 'silence':
      task?.silence(subscription);
      break;
    case 'loss':
      task?.lose(subscription);
      break;
    case 'long loss':
      task?.lose(subscription, undefined, deployment.between(10_000, 120_000));
      break;
    case 'no table':
      if (task) task.canReachTable = !task.canReachTable;
      break;
    case 'bad table':
      weather.tableFailures = 0.3;
      break;
    case 'bad queue':
      weather.sqsFailures = 0.3;
      break;
    case 'good weather':
      Object.assign(weather, { sqsFailures: 0, tableFailures: 0 });
  }
  if (deployment.tasks.filter(({ isRunning }) => isRunning).length < deployment.between(1, 3))
    deployment.start();
}

/** A history with many faults, and how it ends. */
async function simulateChaos(seed: number) {
  const deployment = await startTwo(seed);
  for (let n = 0; n < 30; n++) {
    happen(deployment);
    await passWithEvents(deployment, deployment.between(0, 15_000));
  }
  if (deployment.tasks.every(({ isRunning, isStopping }) => !isRunning || isStopping)) deployment.start();
  await settle(deployment);
  return {
    unexplained: deployment.unexplained.map(({ atMs }) => atMs - START_MS),
    leaders: deployment.leaders.length,
    missing: deployment.missing.length,
    recorded: deployment.records.gaps.length,
    reported: deployment.reported.length,
  };
}

describe('many faults at once', () => {
  const ended = new Map<number, Awaited<ReturnType<typeof simulateChaos>>>();
  /** How the history of a seed ends. Each is simulated once. */
  async function endOf(seed: number) {
    const end = ended.get(seed) ?? (await simulateChaos(seed));
    ended.set(seed, end);
    return end;
  }

  test.each(SEEDS)('With seed %i every missing event is in a gap that is reported', async (seed) => {
    expect((await endOf(seed)).unexplained).toEqual([]);
  });

  test.each(SEEDS)('With seed %i one task leads in the end', async (seed) => {
    expect((await endOf(seed)).leaders).toBe(1);
  });

  test('The simulation has events that are missing, and far more gaps that were filled', async () => {
    let missing = 0;
    let recorded = 0;
    let reported = 0;
    for (const seed of SEEDS) {
      const end = await endOf(seed);
      missing += end.missing;
      recorded += end.recorded;
      reported += end.reported;
    }
    expect(missing).toBeGreaterThan(0);
    expect(recorded).toBeGreaterThan(reported);
  });
});
