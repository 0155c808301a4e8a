import { describe, expect, test } from 'vitest';
import { FILL_TIMES } from '../../functions/backfill/fill.ts';
import { LiveEdges } from '../../functions/backfill/live-edges.ts';
import type { RecoveredEvent } from '../../functions/backfill/recovered-event.ts';
import { recoveryFingerprint } from '../../lib/events/recovery-fingerprint.ts';

const gap = { fromMs: 1_000_000, toMs: 2_000_000 };
const times = { ...FILL_TIMES, edgeMs: 100, unprovenMs: 300 };

function presence(modifiedDate: string): RecoveredEvent {
  const eventBody = { source: 'PURECLOUD', presenceDefinition: { id: 'p' }, modifiedDate };
  return { topicName: 'v2.users.1.presence', eventBody, atMs: 0, kind: 'event' };
}

const first = presence('2026-01-01T00:00:00Z');
const second = presence('2026-01-01T00:00:01Z');
const third = presence('2026-01-01T00:00:02Z');
const state: RecoveredEvent = { ...first, topicName: 'v2.users.1.station', eventBody: {}, kind: 'state' };

function edges(...read: readonly RecoveredEvent[]): LiveEdges {
  const fingerprints = Buffer.concat(read.map((event) => recoveryFingerprint(event)!));
  return new LiveEdges(gap, { fingerprints, knownFromMs: 0, knownUntilMs: 0 }, times);
}

describe('whether an event was delivered', () => {
  test('It was if its fingerprint is among those of what was read', () => {
    const read = edges(first, second);
    expect([first, second, third].map((event) => read.wasDelivered(event))).toEqual([true, true, false]);
  });

  test('Without fingerprints, and for an event without a recovery key, nothing shows it', () => {
    expect(new LiveEdges(gap, undefined, times).wasDelivered(first)).toBe(false);
    expect(edges().wasDelivered(first)).toBe(false);
    expect(edges(first).wasDelivered(state)).toBe(false);
  });
});

describe('whether that is uncertain', () => {
  const knownBetween = (knownFromMs: number, knownUntilMs: number) =>
    new LiveEdges(gap, { fingerprints: new Uint8Array(), knownFromMs, knownUntilMs }, times);

  test('If nothing is known, it is near the beginning and the end of the gap', () => {
    const unknown = new LiveEdges(gap, undefined, times);
    const moments = [0, gap.fromMs + 299, gap.fromMs + 300, gap.toMs - 101, gap.toMs - 100, gap.toMs + 100];
    expect(moments.map((atMs) => unknown.isUncertain(atMs))).toEqual([true, true, false, false, true, true]);
  });

  test('It is only before everything that was read is known, and as long as times can differ', () => {
    const knownFromMs = gap.fromMs + 50;
    const known = knownBetween(knownFromMs, Number.POSITIVE_INFINITY);
    const atMs = [knownFromMs, knownFromMs + 99, knownFromMs + 100, gap.toMs];
    expect(atMs.map((one) => known.isUncertain(one))).toEqual([true, true, false, false]);
  });

  test('It is again after the time until which everything was read, if the process was behind', () => {
    const known = knownBetween(0, gap.toMs + 120);
    const atMs = [gap.fromMs, gap.toMs + 19, gap.toMs + 20, gap.toMs + 99];
    expect(atMs.map((one) => known.isUncertain(one))).toEqual([false, false, true, true]);
  });
});
