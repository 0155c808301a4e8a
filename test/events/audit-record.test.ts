import { describe, expect, test, vi } from 'vitest';
import { AuditChain } from '../../lib/events/audit-chain.ts';
import {
  AUDIT_ACTIONS,
  type AuditAction,
  type AuditEntry,
  auditRecordSchema,
  isAudited,
  payloadHash,
  recordHash,
} from '../../lib/events/audit-record.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { chainsOf, hashOf, sha256 } from '../audit/own-check.ts';

const ENTRIES: AuditEntry[] = [
  { action: 'session.started' },
  { action: 'connection.closed', protocol: 'p', subscription: 'p/0', connection: 1, code: 1006, reason: '' },
  { action: 'event.published', protocol: 'p', eventId: 'é\u2028"', sequence: 7, latencyMs: 12 },
  { action: 'event.quarantined', eventId: undefined, reason: 'not an event' },
  { action: 'session.ended' },
];

describe('the chain of a session', () => {
  test('Each record has its position and the hash of the record before it', () => {
    const chain = new AuditChain('consumer');
    const records = ENTRIES.map((entry) => chain.append(entry));
    const read = records.map((record) => JSON.parse(JSON.stringify(record)));
    expect(chainsOf(read).get(chain.session)).toEqual(read);
    expect(read.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(read[0]).toMatchObject({ service: 'consumer', previous: null, action: 'session.started' });
    expect(read[2]).toMatchObject(ENTRIES[2]!);
  });

  test('A record is valid according to its schema, and has its own id', () => {
    const chain = new AuditChain('ingester');
    const records = ENTRIES.map((entry) => chain.append(entry));
    for (const record of records) expect(auditRecordSchema.parse(record)).toEqual(record);
    expect(new Set(records.map(({ auditId }) => auditId)).size).toBe(ENTRIES.length);
    expect(() => auditRecordSchema.parse({ ...records[0], action: 'event.lost' })).toThrow();
  });

  test('Two sessions have different ids', () => {
    expect(new AuditChain('consumer').session).not.toBe(new AuditChain('consumer').session);
  });

  test('A record has the time at which it was added', () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-20T09:30:45.131Z') });
    expect(new AuditChain('consumer').append(ENTRIES[0]!).time).toBe('2026-11-20T09:30:45.131Z');
    vi.useRealTimers();
  });

  test('A reason contains no secret and at most 500 characters', () => {
    registerSecret('a-very-secret-token');
    const reason = `refused: a-very-secret-token ${'x'.repeat(600)}`;
    const record = new AuditChain('ingester').append({ action: 'connection.closed', reason });
    expect(record.reason).toHaveLength(500);
    expect(JSON.stringify(record)).not.toContain('a-very-secret-token');
  });
});

describe('hashes', () => {
  test('The hash of a record covers every field but itself', () => {
    const record = new AuditChain('consumer').append(ENTRIES[2]!);
    expect(recordHash(record)).toBe(record.hash);
    expect(recordHash({ ...record, hash: 'other' })).toBe(record.hash);
    expect(recordHash({ ...record, more: 1 })).toBe(hashOf({ ...record, more: 1 }));
    expect(recordHash({ ...record, more: 1 })).not.toBe(record.hash);
  });

  test('The hash of a payload does not depend on the order of its members', () => {
    expect(payloadHash({ b: [1, { d: null, c: 'é' }], a: undefined })).toBe(
      sha256('{"b":[1,{"c":"é","d":null}]}'),
    );
    expect(payloadHash({ a: 1, b: 2 })).toBe(payloadHash({ b: 2, a: 1 }));
  });

  test('A payload that is nested too deeply has no hash', () => {
    let deep: object = {};
    for (let level = 0; level < 200; level++) deep = { deep };
    expect(payloadHash(deep)).toBeUndefined();
  });

  test('An error other than too deep nesting is not swallowed', () => {
    const broken = {
      get member(): never {
        throw new RangeError('broken');
      },
    };
    expect(() => payloadHash(broken)).toThrow(RangeError);
  });
});

test.each(Object.entries(AUDIT_ACTIONS))('%s is recorded from its level on', (action, { level }) => {
  const levels = ['off', 'connections', 'all'] as const;
  const from = { connections: [false, true, true], all: [false, false, true] }[level];
  expect(levels.map((one) => isAudited(one, action as AuditAction))).toEqual(from);
});

test('The outcome of events is recorded only with all', () => {
  const ofEvents = Object.keys(AUDIT_ACTIONS).filter((action) => action.startsWith('event.'));
  expect(ofEvents).toEqual(['event.published', 'event.quarantined']);
  for (const action of ofEvents) expect(isAudited('connections', action as AuditAction)).toBe(false);
});
