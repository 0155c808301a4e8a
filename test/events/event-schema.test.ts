import { describe, expect, test } from 'vitest';
import {
  envelopeSchema,
  queuedEventSchema,
  REJECTION_REASONS,
  rejectedFrameSchema,
} from '../../lib/events/schema.ts';

const EVENT = {
  id: 'k3Zx',
  type: 'v2.users.{id}.presence',
  protocol: 'notification-channels',
  receivedAt: '2026-03-21T01:09:55.225Z',
  frame: { topicName: 'v2.x', eventBody: {} },
};
const ENVELOPE = {
  v: 1,
  id: '0d9c3f0e-8a6b-4c55-9d5c-0a1b6d8f3e11',
  owner: '7b1f9f0a-2f64-4b0e-9a55-0d4a3c3f9a01',
  sentAt: '2026-03-21T01:09:56.001Z',
  events: [EVENT],
};
const REJECTED = {
  rejected: {
    reason: 'not_json',
    protocol: 'notification-channels',
    receivedAt: '2026-03-21T01:09:55.225Z',
    bytes: 1,
    encoding: 'utf8',
    body: 'x',
  },
};

describe('queued events', () => {
  test('The schema accepts a valid event', () => {
    expect(queuedEventSchema.safeParse(EVENT).success).toBe(true);
  });

  test.each([
    ['without a topic', { ...EVENT, frame: { eventBody: {} } }],
    ['with an empty topic', { ...EVENT, frame: { topicName: '', eventBody: {} } }],
    [
      'with a topic of 1,001 characters',
      { ...EVENT, frame: { topicName: 'x'.repeat(1_001), eventBody: {} } },
    ],
    ['without a body', { ...EVENT, frame: { topicName: 'v2.x' } }],
    ['whose body is an array', { ...EVENT, frame: { topicName: 'v2.x', eventBody: [] } }],
    ['whose body is null', { ...EVENT, frame: { topicName: 'v2.x', eventBody: null } }],
    ['whose body is text', { ...EVENT, frame: { topicName: 'v2.x', eventBody: 'text' } }],
    ['with a detail-type above the limit of EventBridge', { ...EVENT, type: 'x'.repeat(129) }],
    ['with an empty protocol', { ...EVENT, protocol: '' }],
    ['with a protocol of 65 characters', { ...EVENT, protocol: 'x'.repeat(65) }],
    ['with an invalid time of receipt', { ...EVENT, receivedAt: 'now' }],
  ])('The schema refuses an event %s', (_what, event) => {
    expect(queuedEventSchema.safeParse(event).success).toBe(false);
  });

  test('A body that is not an object is reported as a problem', () => {
    const problems = queuedEventSchema.safeParse({ ...EVENT, frame: { topicName: 'v2.x', eventBody: [] } });
    expect(problems.error?.issues).toMatchObject([
      { path: ['frame', 'eventBody'], message: 'Invalid input: expected an object' },
    ]);
  });

  test.each(['smoke-signals', 'x'.repeat(64)])(
    'The schema accepts an event of the unknown protocol %s',
    (protocol) => {
      expect(queuedEventSchema.parse({ ...EVENT, protocol }).protocol).toBe(protocol);
    },
  );

  test('The schema accepts a rejected frame of an unknown protocol', () => {
    const { rejected } = REJECTED;
    const unknown = { rejected: { ...rejected, protocol: 'smoke-signals' } };
    expect(rejectedFrameSchema.safeParse(REJECTED).success).toBe(true);
    expect(rejectedFrameSchema.parse(unknown).rejected.protocol).toBe('smoke-signals');
  });
});

test('A rejected frame has one of six reasons, by which its item can be found in the quarantine queue', () => {
  expect(REJECTION_REASONS).toEqual([
    'not_json',
    'invalid_utf8',
    'invalid_frame',
    'too_deep',
    'too_large',
    'refused_by_queue',
  ]);
});

describe('envelopes', () => {
  test('The schema accepts a valid envelope', () => {
    expect(envelopeSchema.safeParse(ENVELOPE).success).toBe(true);
  });

  test.each([
    ['of another version', { v: 2 }],
    ['without events', { events: [] }],
    ['with more than 1,000 events', { events: Array(1_001).fill(EVENT) }],
    ['whose owner is not a UUID', { owner: 'me' }],
  ])('The schema refuses an envelope %s', (_what, change) => {
    expect(envelopeSchema.safeParse({ ...ENVELOPE, ...change }).success).toBe(false);
  });
});
