import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type AwsFaultKind, FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { auditProblems, auditSettings, auditTrail } from '../../lib/aws/audit-settings.ts';
import { type AuditStream, AuditTrail } from '../../lib/aws/audit-trail.ts';
import { cloudWatchLogsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import type { AuditLevel } from '../../lib/events/audit-record.ts';
import { type AnyRecord, chainsOf, recordsIn } from '../audit/own-check.ts';

const GROUP = 'audit';
const PUT = 'Logs_20140328.PutLogEvents';
const CREATE = 'Logs_20140328.CreateLogStream';
const log = createLogger('test', 'SILENT');
/** Time for a flush, which no test needs. */
const LIMIT_MS = 10_000;

let faults: FaultInjector;
let emulator: Emulator;
beforeEach(() => {
  faults = new FaultInjector({ seed: 1, stallMs: 0 });
  emulator = new Emulator({ faults });
  emulator.logs.actions.CreateLogGroup?.({ logGroupName: GROUP });
});
afterEach(async () => {
  vi.useRealTimers();
  await emulator.close();
});

function trailOf(
  level: Exclude<AuditLevel, 'off'>,
  writes: 'continuously' | 'on flush' = 'on flush',
): AuditTrail {
  const client = cloudWatchLogsClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: emulator.requestHandler(),
  });
  const settings = { level, logGroup: GROUP };
  return auditTrail(settings, () => client, { service: 'consumer', log, writes }) as AuditTrail;
}

/** The records in the log group, in the order in which they were written. */
function stored(): AnyRecord[] {
  return recordsIn(
    emulator.logs
      .events(GROUP)
      .map(({ message }) => message)
      .join('\n'),
  );
}

function publish(trail: AuditTrail, count: number): void {
  for (let event = 0; event < count; event++)
    trail.record({ action: 'event.published', eventId: `e${event}` });
}

/** A stream whose writes a test answers. */
class HeldStream implements AuditStream {
  readonly writes: { count: number; signal: AbortSignal; answer: PromiseWithResolvers<number> }[] = [];

  write(batch: readonly object[], signal: AbortSignal): Promise<number> {
    const answer = Promise.withResolvers<number>();
    this.writes.push({ count: batch.length, signal, answer });
    return answer.promise;
  }
}

describe('a trail', () => {
  test('A session is one unbroken chain in its own log stream, from start to end', async () => {
    const trail = trailOf('all');
    publish(trail, 15_000);
    await trail.flush(LIMIT_MS);
    publish(trail, 3);
    await trail.close(LIMIT_MS);
    const chain = chainsOf(stored()).get(trail.session) ?? [];
    expect(chain).toHaveLength(15_005);
    expect(chain[0]).toMatchObject({ action: 'session.started' });
    expect(chain.at(-1)).toMatchObject({ action: 'session.ended' });
    const streams = new Set(emulator.logs.events(GROUP).map(({ logStreamName }) => logStreamName));
    expect([...streams]).toEqual([`consumer/${trail.session}`]);
    expect(trail.lost).toBe(0);
  });

  test('The level decides what is recorded, and the chain has no holes', async () => {
    const trail = trailOf('connections');
    trail.record({ action: 'connection.opened' });
    publish(trail, 2);
    trail.record({ action: 'connection.closed' });
    await trail.close(LIMIT_MS);
    const chain = chainsOf(stored()).get(trail.session) ?? [];
    expect(chain.map(({ action }) => action)).toEqual([
      'session.started',
      'connection.opened',
      'connection.closed',
      'session.ended',
    ]);
  });

  test('Nothing is recorded after the end', async () => {
    const trail = trailOf('all');
    await trail.close(LIMIT_MS);
    publish(trail, 1);
    await trail.close(LIMIT_MS);
    await trail.flush(LIMIT_MS);
    expect(stored().map(({ action }) => action)).toEqual(['session.started', 'session.ended']);
  });

  test('In a long-running process, a record is written without a flush', async () => {
    const trail = trailOf('all', 'continuously');
    publish(trail, 2);
    await vi.waitFor(() => expect(stored()).toHaveLength(3), { timeout: 60_000 });
    publish(trail, 1);
    await vi.waitFor(() => expect(stored()).toHaveLength(4), { timeout: 60_000 });
  });
});

describe('a write that fails', () => {
  test.each<[AwsFaultKind, string]>([
    ['throttle', PUT],
    ['server_error', PUT],
    ['timeout_before_commit', PUT],
    ['timeout_after_commit', PUT],
    ['timeout_after_commit', CREATE],
    ['server_error', CREATE],
  ])('After %s of %s, the SDK tries again and the chain is complete', async (kind, target) => {
    faults.next(kind, target);
    const trail = trailOf('all');
    publish(trail, 10);
    await trail.flush(LIMIT_MS);
    expect(chainsOf(stored()).get(trail.session)).toHaveLength(11);
    expect(trail.lost).toBe(0);
  });

  test('Records that were not written are kept for the next flush', async () => {
    for (let attempt = 0; attempt < 3; attempt++) faults.next('server_error', PUT);
    const trail = trailOf('all');
    publish(trail, 5);
    await trail.flush(LIMIT_MS);
    expect(stored()).toEqual([]);
    await trail.flush(LIMIT_MS);
    expect(chainsOf(stored()).get(trail.session)).toHaveLength(6);
    expect(trail.lost).toBe(0);
  });

  test('In a long-running process, the write is retried', async () => {
    for (let attempt = 0; attempt < 3; attempt++) faults.next('server_error', PUT);
    const trail = trailOf('all', 'continuously');
    publish(trail, 2);
    await vi.waitFor(() => expect(stored()).toHaveLength(3), { timeout: 60_000 });
    expect(trail.lost).toBe(0);
  });

  test('Records that may never be written count as lost once, and are written if there is another flush', async () => {
    const trail = trailOf('all');
    await trail.flush(LIMIT_MS);
    publish(trail, 5);
    trail.presumeLost();
    trail.presumeLost();
    expect(trail.lost).toBe(5);
    publish(trail, 2);
    trail.presumeLost();
    expect(trail.lost).toBe(7);
    await trail.close(LIMIT_MS);
    expect(trail.lost).toBe(7);
    expect(chainsOf(stored()).get(trail.session)).toHaveLength(9);
  });

  test('Records that CloudWatch Logs refuses because of their time are counted', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 15 * 86_400_000 });
    const trail = trailOf('all');
    publish(trail, 3);
    vi.useRealTimers();
    publish(trail, 2);
    await trail.flush(LIMIT_MS);
    expect(stored()).toHaveLength(2);
    expect(trail.lost).toBe(4);
  });

  test('Records from a clock that was ahead are also counted', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 3_600_000 });
    const trail = trailOf('all');
    vi.useRealTimers();
    publish(trail, 2);
    await trail.flush(LIMIT_MS);
    expect(stored()).toHaveLength(2);
    expect(trail.lost).toBe(1);
  });

  test('A flush ends at its limit, and aborts the write', async () => {
    const stream = new HeldStream();
    const trail = new AuditTrail({
      service: 'consumer',
      level: 'all',
      stream: () => stream,
      log,
      writes: 'on flush',
    });
    await trail.flush(5);
    expect(stream.writes.map(({ count, signal }) => [count, signal.aborted])).toEqual([[1, true]]);
    trail.presumeLost();
    expect(trail.lost).toBe(1);
  });

  test('The buffer is bounded: above 8 MiB, records are dropped and counted', async () => {
    const stream = new HeldStream();
    const trail = new AuditTrail({
      service: 'consumer',
      level: 'all',
      stream: () => stream,
      log,
      writes: 'on flush',
    });
    const topics = Array.from({ length: 100 }, () => 'x'.repeat(1_000));
    for (let record = 0; record < 100; record++) trail.record({ action: 'subscription.added', topics });
    expect(trail.lost).toBeGreaterThan(10);
    expect(trail.lost).toBeLessThan(20);
    const { lost } = trail;
    const flushed = trail.flush(LIMIT_MS);
    const kept = 101 - lost;
    for (let written = 0; written < kept; ) {
      await vi.waitFor(() => expect(stream.writes).toHaveLength(1), { timeout: 60_000 });
      const [write] = stream.writes.splice(0);
      written += write?.count ?? 0;
      write?.answer.resolve(0);
    }
    await flushed;
    trail.presumeLost();
    trail.record({ action: 'subscription.added', topics });
    expect(trail.lost).toBe(lost);
  });
});

describe('the settings', () => {
  test('Without audit records, no client is created', () => {
    const client = vi.fn<() => never>();
    const options = { service: 'consumer', log, writes: 'on flush' } as const;
    expect(
      auditTrail(auditSettings({ AUDIT: 'off', AUDIT_LOG_GROUP: 'group' }), client, options),
    ).toBeUndefined();
    expect(auditTrail(auditSettings({}), client, options)).toBeUndefined();
    expect(client).not.toHaveBeenCalled();
  });

  test('Audit records need a log group', () => {
    expect(auditProblems({ AUDIT: 'all' })).toEqual([
      'AUDIT_LOG_GROUP is missing: the log group for audit records, required by AUDIT=all',
    ]);
    expect(auditProblems({ AUDIT: 'off' })).toEqual([]);
    expect(auditProblems({ AUDIT: 'connections', AUDIT_LOG_GROUP: 'group' })).toEqual([]);
    expect(auditSettings({ AUDIT: 'connections', AUDIT_LOG_GROUP: 'group' })).toEqual({
      level: 'connections',
      logGroup: 'group',
    });
  });
});
