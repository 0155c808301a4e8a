import type { Invocation } from 'switchboard-local/lambda/poller.ts';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { expect, test } from 'vitest';
import { Accounting } from '../../bin/local/accounting.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { startPipeline } from '../../bin/local/pipeline.ts';
import { NAMES } from '../../bin/local/resources.ts';
import { CLIENT, environmentOf, startPlatform } from '../../bin/local/simulated-platform.ts';
import { type AnyRecord, canonical, chainsOf, recordsIn, sha256 } from '../audit/own-check.ts';
import { until } from './local-system.ts';

const EVENTS = 2_000;
const TIMEOUT_MS = 120_000;
const SETTLE_MS = 30_000;
/** Their outcome is known: what EventBridge did not confirm was not published. */
const KNOWN_OUTCOMES =
  'socket_drop,half_open,token_revoked,duplicate_frame,garbage_frame,large_event,throttle,server_error,partial_failure,duplicate_delivery,reorder,stale_read';

/**
 * Half of the time limit of an invocation in a run with killed ones. An invocation that takes less has written its
 * records: it may use half of the remaining time for that.
 */
const HALF_LIMIT_MS = 1_000;

/** A message with an item that is not an event. */
const NO_EVENT = JSON.stringify({
  v: 1,
  id: '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1',
  owner: '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1',
  sentAt: '2026-11-20T09:30:45.131Z',
  events: [{ text: 'no event' }],
});

/** What a run published, and its audit records. */
interface Run {
  /** Hashes of what the bus got, by event id. */
  readonly published: ReadonlyMap<string, string[]>;
  /** Hashes of the records of published events, by event id. */
  readonly recorded: ReadonlyMap<string, string[]>;
  /** Chains by session, checked. */
  readonly chains: ReadonlyMap<string, AnyRecord[]>;
  readonly text: string;
  /** Bodies of the messages in the quarantine queue. */
  readonly quarantined: readonly string[];
  /** Ids of events in messages of invocations that did not end in time to write their records. */
  readonly interrupted: ReadonlySet<string>;
}

async function play(faultNames: string): Promise<Run> {
  const faults = parseFaults(faultNames);
  const platform = await startPlatform({
    protocol: 'notification-channels',
    events: EVENTS,
    rate: 1_000,
    faults,
    seed: 3,
    exit: true,
    json: true,
    users: 20,
    queues: 5,
    tokenLife: 86_400,
    channelLife: 86_400,
    healthPort: 0,
    audit: 'all',
    logLevel: 'SILENT',
  });
  const [{ cloud, account }] = platform.protocols;
  const invocations: Invocation[] = [];
  const published: [string, string][] = [];
  const pipeline = await startPipeline({
    genesys: { apiUrl: platform.url, loginUrl: platform.url, credentials: CLIENT },
    topics: DEFAULT_TOPICS,
    environment: environmentOf(platform.protocols),
    healthPort: 0,
    logLevel: 'SILENT',
    seed: 3,
    faults,
    audit: 'all',
    isSimulated: true,
    accounting: new Accounting([account]),
    onInvocation: (invocation) => invocations.push(invocation),
  });
  try {
    pipeline.emulator.eventbridge.onEvent(({ event: { detail } }) =>
      published.push([
        (detail as { metadata: { eventId: string } }).metadata.eventId,
        sha256(canonical(detail)),
      ]),
    );
    await until(() => pipeline.ingester.isCovered);
    // Whatever the faults are, one item goes to the quarantine queue.
    const { region, accountId, sqs } = pipeline.emulator;
    sqs.deliver(`arn:aws:sqs:${region}:${accountId}:${NAMES.eventsQueue}`, NO_EVENT);
    await cloud.play(() => undefined);
    cloud.faults?.stop();
    await account.ledger.settled(SETTLE_MS);
    await pipeline.drain(SETTLE_MS);
    const { logs } = pipeline.emulator;
    const text = logs
      .events(NAMES.auditLogGroup)
      .map(({ message }) => message)
      .join('\n');
    const chains = chainsOf(recordsIn(text));
    const records = [...chains.values()].flat();
    const ofEvents = records.filter(({ action }) => action === 'event.published');
    return {
      published: grouped(published),
      recorded: grouped(ofEvents.map(({ eventId, sha256: hash }) => [String(eventId), String(hash)])),
      chains,
      text,
      quarantined: sqs
        .queue(NAMES.quarantineQueue)
        .peek()
        .map(({ body }) => body),
      interrupted: new Set(invocations.filter(hadNoTime).flatMap(({ records: sent }) => sent.flatMap(idsIn))),
    };
  } finally {
    await pipeline.close();
    await platform.close();
  }
}

function hadNoTime({ outcome, durationMs }: Invocation): boolean {
  return outcome.kind !== 'response' || durationMs >= HALF_LIMIT_MS;
}

function idsIn({ body }: { body: string }): string[] {
  return (JSON.parse(body) as { events: { id?: string }[] }).events.flatMap(({ id }) => id ?? []);
}

function grouped(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const groups = Map.groupBy(pairs, ([id]) => id);
  return new Map([...groups].map(([id, ofId]) => [id, ofId.map(([, hash]) => hash).sort()]));
}

test('Each publication of an event has exactly one record with the hash of what the bus got', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { published, recorded, chains, quarantined, text } = await play(KNOWN_OUTCOMES);
  expect(published.size).toBeGreaterThan(EVENTS / 2);
  expect(Object.fromEntries(recorded)).toEqual(Object.fromEntries(published));

  const records = [...chains.values()].flat();
  const inQuarantine = quarantined.map((body) =>
    sha256(canonical((JSON.parse(body) as { events: unknown[] }).events[0])),
  );
  const ofQuarantine = records
    .filter(({ action }) => action === 'event.quarantined')
    .map((one) => one.sha256);
  expect(inQuarantine.length).toBeGreaterThan(0);
  expect(ofQuarantine.sort()).toEqual(inQuarantine.sort());

  const ingester = records.filter(({ service }) => service === 'ingester');
  const actions = new Set(ingester.map(({ action }) => action));
  for (const action of ['subscription.added', 'connection.opened', 'connection.ready', 'connection.closed'])
    expect(actions).toContain(action);
  expect(ingester.at(-1)).toMatchObject({ action: 'session.ended' });
  expect(text).not.toMatch(/streaming-|simulator-secret|bearer/i);
});

test('With killed consumers, no chain is broken, and only their events can lack a record', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { published, recorded, interrupted } = await play('all');
  for (const [id, hashes] of recorded) {
    const onBus = published.get(id) ?? [];
    expect(hashes.length).toBeLessThanOrEqual(onBus.length);
    for (const hash of hashes) expect(onBus).toContain(hash);
  }
  const unrecorded = [...published.keys()].filter((id) => !recorded.has(id));
  expect(unrecorded.filter((id) => !interrupted.has(id))).toEqual([]);
  expect(recorded.size).toBeGreaterThan(EVENTS / 2);
});
