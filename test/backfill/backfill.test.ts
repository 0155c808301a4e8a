import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { RECOVERY_PERMISSIONS } from 'switchboard-local/simulator/recovery/recovery-resource.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { toDetail } from '../../lib/events/event-detail.ts';
import { recoveryFingerprint } from '../../lib/events/recovery-fingerprint.ts';
import { histories } from '../histories.ts';
import { AT_ONCE, KillableProcess, LocalBackfill, type LocalCloud, startCloud } from './local-backfill.ts';

const STATE_TOPICS = ['v2.users.{id}.presence', 'v2.users.{id}.routingStatus'];
const DETAIL_TYPES = ['customer.start', 'customer.end', 'acd.start', 'acd.end', 'flow.start', 'flow.end'];
const AGENT_TYPES = ['user.start', 'user.end', 'acw', 'wrapup'];
const DETAIL_TOPICS = [...DETAIL_TYPES, ...AGENT_TYPES].map(
  (type) => `v2.detail.events.conversation.{id}.${type}`,
);
const SNAPSHOT_TOPICS = ['v2.users.{id}.conversations', 'v2.routing.queues.{id}.conversations'];

let cloud: LocalCloud;
afterEach(() => cloud.simulator.close());

/** Emits generated events to nobody. @returns them, with the gap in which they happened */
function outage(events: number, topics: readonly string[], seed = 5) {
  const fromMs = Date.now() - 5_000;
  const generator = new Generator(cloud.simulator, { seed, topics: GENERATED_TOPICS });
  const frames = Array.from({ length: events }, () => generator.next());
  for (const frame of frames) cloud.simulator.emit(frame);
  const wanted = frames.filter(({ topicName }) => topics.some((topic) => isOf(topicName, topic)));
  return { frames: wanted, fromMs, toMs: Date.now() + 60_000 };
}

function isOf(topicName: string, template: string): boolean {
  const [before = '', after = ''] = template.split('{id}');
  return topicName.startsWith(before) && topicName.endsWith(after);
}

/** What a live event and a recovered one have in common, without the product's notion of it. */
function occurrence({ topicName, eventBody }: Pick<Frame, 'topicName' | 'eventBody'>): string {
  const body = eventBody as Record<string, never>;
  const { modifiedDate, presenceDefinition, routingStatus, participantId, sessionId, eventTime } = body;
  if (topicName.endsWith('.presence'))
    return [topicName, modifiedDate, (presenceDefinition as unknown as { id: string }).id].join();
  if (routingStatus) {
    const { status, startTime } = routingStatus as unknown as Record<string, string>;
    return [topicName, startTime, status].join();
  }
  const queue = topicName.endsWith('acd.start') ? body.queueId : '';
  const code = topicName.endsWith('wrapup') ? body.wrapupCode : '';
  return [topicName, participantId, sessionId, eventTime, queue, code].join();
}

describe('a gap', () => {
  test('Every presence and routing status of a gap is recovered, and says so', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { frames, fromMs, toMs } = outage(4_000, STATE_TOPICS);
    const gapId = await local.recordGap(fromMs, toMs, STATE_TOPICS);
    const report = await local.fill(gapId);
    const recovered = local.published;
    expect(new Set(recovered.map(({ frame }) => occurrence(frame as Frame)))).toEqual(
      new Set(frames.map(occurrence)),
    );
    expect(
      recovered.map(toDetail).every(({ metadata }) => metadata.backfilled && metadata.gapId === gapId),
    ).toBe(true);
    expect(report.recovered).toBe(recovered.length);
    expect(report.closed).toHaveLength(1);
    const { recovered: counts, notRecovered } = report.closed[0]!;
    expect(Object.values(counts).reduce((a, b) => a + b)).toBe(recovered.length);
    expect(notRecovered).toEqual({});
  });

  test('Every detail event of a gap that is in the analytics record is recovered', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { frames, fromMs, toMs } = outage(20_000, DETAIL_TOPICS);
    await local.fill(await local.recordGap(fromMs, toMs, DETAIL_TOPICS));
    const recovered = new Set(local.published.map(({ frame }) => occurrence(frame as Frame)));
    const missing = frames.filter((frame) => !recovered.has(occurrence(frame)));
    expect(missing).toEqual([]);
    // The record of the last conversation implies an event that the outage cut off.
    const last = (frames.at(-1)!.eventBody as { conversationId: string }).conversationId;
    const emitted = new Set(frames.map(occurrence));
    expect([...recovered].filter((one) => !emitted.has(one) && !one.includes(last))).toEqual([]);
  });

  test('The events of a gap are sent in order of time', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const topics = [...STATE_TOPICS, ...DETAIL_TOPICS];
    const { fromMs, toMs } = outage(5_000, topics);
    await local.fill(await local.recordGap(fromMs, toMs, topics));
    const times = local.sent.map(({ frame }) => frame.timestamp ?? '');
    expect(times.length).toBeGreaterThan(1_000);
    expect(times).toEqual(times.toSorted());
  });

  test('The last state of every conversation of a gap is published', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { frames, fromMs, toMs } = outage(8_000, SNAPSHOT_TOPICS);
    await local.fill(await local.recordGap(fromMs, toMs, SNAPSHOT_TOPICS));
    const last = new Map(frames.map((frame) => [stateKey(frame), frame.eventBody]));
    const recovered = new Map(
      local.published.map(({ frame }) => [stateKey(frame as Frame), frame.eventBody]),
    );
    const wrong = [...last].filter(([key, body]) => !hasState(recovered.get(key), body));
    expect(wrong).toEqual([]);
    expect(last.size).toBeGreaterThan(100);
  });

  test('A conversation that ended says that its last state is built from its record', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { fromMs, toMs } = outage(8_000, SNAPSHOT_TOPICS);
    await local.fill(await local.recordGap(fromMs, toMs, SNAPSHOT_TOPICS));
    const details = local.published.map(toDetail);
    expect(details.every(({ metadata }) => metadata.identity === 'weak')).toBe(true);
    const ended = ({ eventBody }: { eventBody: Record<string, unknown> }) =>
      (eventBody.participants as { endTime?: string }[]).every(({ endTime }) => endTime !== undefined);
    expect(details.some(ended)).toBe(true);
    expect(details.every((detail) => ended(detail) === (detail.metadata.reconstructed ?? false))).toBe(true);
  });

  test('Events that cannot be recovered are listed with the reason', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const topics = [
      'v2.routing.queues.1.users',
      'v2.users.1.conversationsummary',
      'v2.users.1?presence&station',
    ];
    const { fromMs, toMs } = outage(10, topics);
    const { closed } = await local.fill(await local.recordGap(fromMs, toMs, topics));
    expect(closed[0]?.notRecovered).toEqual({
      'v2.routing.queues.{id}.users': 'no Genesys Cloud API returns it afterwards',
      'v2.users.{id}.conversationsummary': expect.stringContaining('present state only'),
      'v2.users.{id}.station': expect.stringContaining('present state only'),
    });
  });
});

describe('events that were delivered live', () => {
  test('An event that was read around a gap is not recovered again', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { frames, fromMs, toMs } = outage(2_000, STATE_TOPICS);
    const gapId = await local.recordGap(fromMs, toMs, STATE_TOPICS);
    const read = frames.slice(0, 300);
    const fingerprints = Buffer.concat(read.map((frame) => recoveryFingerprint(frame as never)!));
    await local.coverage.putEdges(gapId, {
      fingerprints,
      knownFromMs: fromMs - 60_000,
      knownUntilMs: toMs + 60_000,
    });
    await local.fill(gapId);
    const delivered = new Set(read.map(occurrence));
    const recovered = local.published.map(({ frame }) => occurrence(frame as Frame));
    expect(recovered.filter((one) => delivered.has(one))).toEqual([]);
    const rest = frames.map(occurrence).filter((one) => !delivered.has(one));
    expect(new Set(recovered)).toEqual(new Set(rest));
    expect(local.published.some(({ weak }) => weak)).toBe(false);
  });

  test('If it is unknown what was read before a gap, its first events have a weak identity', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { fromMs, toMs } = outage(2_000, STATE_TOPICS);
    await local.fill(await local.recordGap(fromMs, toMs, STATE_TOPICS), {
      ...AT_ONCE,
      roundsAfterMs: [-70_000],
      edgeMs: 0,
      unprovenMs: 5_050,
    });
    const uncertain = ({ frame }: { frame: { timestamp?: string | undefined } }) =>
      Date.parse(frame.timestamp ?? '') < fromMs + 5_050;
    expect(local.published.filter(uncertain).every(({ weak }) => weak)).toBe(true);
    expect(local.published.filter((event) => !uncertain(event)).some(({ weak }) => weak)).toBe(false);
  });
});

describe('failures', () => {
  test('A missing permission is in the result of the gap and in the log once, and the rest is recovered', async () => {
    cloud = await startCloud({ deniedPermissions: [RECOVERY_PERMISSIONS.userDetails] });
    const local = await LocalBackfill.start(cloud);
    const topics = [...STATE_TOPICS, ...DETAIL_TOPICS];
    const { fromMs, toMs } = outage(500, topics);
    const reports = [
      await local.fill(await local.recordGap(fromMs, toMs, topics)),
      await local.fill(await local.recordGap(fromMs + 1, toMs, topics)),
    ];
    for (const { closed } of reports)
      expect(closed[0]?.missingPermissions).toEqual({
        users: expect.stringContaining('analytics:userDetail:view'),
      });
    expect(reports.map(({ newlyMissing }) => newlyMissing)).toEqual([1, 0]);
    expect(local.log.about('permission')).toHaveLength(1);
    expect(local.published.length).toBeGreaterThan(50);
  });

  test('A backfill that is killed at any of its calls has the same result after the next ones', async () => {
    cloud = await startCloud({ users: 5, queues: 2 });
    const topics = [
      ...STATE_TOPICS,
      ...DETAIL_TOPICS,
      ...SNAPSHOT_TOPICS,
      'v2.analytics.queues.{id}.observations',
    ];
    const { fromMs, toMs } = outage(400, topics);
    const run = async (process: KillableProcess) => {
      const local = await LocalBackfill.start(cloud);
      const gapId = await local.recordGap(fromMs, toMs, topics);
      await local
        .backfill(process)
        .register(gapId)
        .catch(() => undefined);
      await local
        .backfill(process)
        .run(process.signal)
        .catch(() => undefined);
      await local.fill(gapId);
      const filled = await local.store.filledGap(gapId);
      return {
        events: new Set(local.published.map(({ id, weak }) => `${id} ${weak}`)),
        result: { ...filled, closedAtMs: 0 },
        open: await local.store.openFills(),
      };
    };
    const whole = new KillableProcess();
    const expected = await run(whole);
    expect(whole.calls).toBeGreaterThan(30);
    expect(expected.open).toEqual([]);
    const step = Math.ceil(whole.calls / histories(8, whole.calls));
    for (let call = 0; call < whole.calls; call += step)
      for (const when of ['before', 'after'] as const)
        expect(await run(new KillableProcess(call, when)), `killed ${when} call ${call}`).toEqual(expected);
  }, 120_000);

  test('Two backfills at once have the same result as one', async () => {
    cloud = await startCloud({ users: 5, queues: 2 });
    const topics = [...STATE_TOPICS, ...DETAIL_TOPICS];
    const { fromMs, toMs } = outage(3_000, topics);
    const ids = async (runs: number) => {
      const local = await LocalBackfill.start(cloud);
      const gapId = await local.recordGap(fromMs, toMs, topics);
      const all = Array.from({ length: runs }, () => local.backfill());
      await Promise.all(all.map((one) => one.register(gapId)));
      await Promise.all(all.map((one) => one.run()));
      await local.fill(gapId);
      expect(await local.store.openFills()).toEqual([]);
      return new Set(local.published.map(({ id }) => id));
    };
    expect(await ids(2)).toEqual(await ids(1));
  });

  test('While one invocation has the turn, another leaves the gaps to it', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { fromMs, toMs } = outage(100, STATE_TOPICS);
    const gapId = await local.recordGap(fromMs, toMs, STATE_TOPICS);
    expect(await local.marks.takeTurn('another', Date.now() + 60_000)).toBe(true);
    const startedAtMs = Date.now();
    const report = await local.fill(gapId, { ...AT_ONCE, retryAfterMs: 5_000 });
    expect(report).toMatchObject({ recovered: 0, closed: [] });
    expect(report.nextDueMs).toBeGreaterThanOrEqual(startedAtMs + 5_000);
    expect(report.nextDueMs).toBeLessThanOrEqual(Date.now() + 5_000);
    expect(local.sent).toEqual([]);
  });

  test('A gap whose message was lost is found', async () => {
    cloud = await startCloud();
    const local = await LocalBackfill.start(cloud);
    const { fromMs, toMs } = outage(100, STATE_TOPICS);
    const gapId = await local.recordGap(fromMs, toMs, STATE_TOPICS);
    const backfill = local.backfill();
    await backfill.sweep();
    const { closed } = await backfill.run();
    expect(closed.map((one) => one.gapId)).toEqual([gapId]);
    await backfill.sweep();
    expect((await backfill.run()).closed).toEqual([]);
  });

  test('Data that the REST API learns late is recovered in a later round', async () => {
    cloud = await startCloud({ historyDelayMs: 900 });
    const local = await LocalBackfill.start(cloud);
    const { frames, fromMs, toMs } = outage(2_000, STATE_TOPICS);
    const gapId = await local.recordGap(fromMs, toMs, STATE_TOPICS);
    // At once, when the API knows nearly nothing, and after 0.3 s and 1 s.
    const roundsAfterMs = [fromMs - toMs, 0, 0].map(
      (atMs, round) => atMs + (round === 0 ? 0 : Date.now() + [0, 300, 1_000][round]! - toMs),
    );
    const times = { ...AT_ONCE, roundsAfterMs: roundsAfterMs as [number, number, number], unprovenMs: 0 };
    const backfill = local.backfill(undefined, { times });
    await backfill.register(gapId);
    let closed = 0;
    while (closed === 0) {
      const report = await backfill.run();
      closed += report.closed.length;
    }
    const recovered = new Set(local.published.map(({ frame }) => occurrence(frame as Frame)));
    expect(recovered).toEqual(new Set(frames.map(occurrence)));
  });
});

function stateKey({ topicName, eventBody }: Frame): string {
  return `${topicName} ${(eventBody as { id: string }).id}`;
}

interface State {
  readonly participants: readonly { id: string; endTime?: string; wrapup?: { code: string } }[];
}

/** Whether a state has every participant of another one, who has ended at the same time, with the same wrap-up code. */
function hasState(state: unknown, expected: unknown): boolean {
  const participants = (state as State | undefined)?.participants ?? [];
  return (expected as State).participants.every(({ id, endTime, wrapup }) =>
    participants.some((one) => one.id === id && one.endTime === endTime && one.wrapup?.code === wrapup?.code),
  );
}
