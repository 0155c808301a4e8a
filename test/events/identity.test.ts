import { describe, expect, test } from 'vitest';
import { contentIdentity, lastsSinceMs, recoveryKey } from '../../lib/events/identity.ts';
import { identify } from '../../lib/events/item.ts';
import { type Frame, frameSchema } from '../../lib/events/schema.ts';
import { leaves, type Path, reordered, valueAt, withValue } from './json.ts';
import { GENERIC_TOPICS, SAMPLES, type Sample } from './samples.ts';

/** A frame after JSON and the schema. */
const parsed = (frame: unknown): Frame => frameSchema.parse(JSON.parse(JSON.stringify(frame)));
const idOf = (frame: unknown) => contentIdentity(parsed(frame));
const keyOf = (frame: unknown) => recoveryKey(parsed(frame));
const isWeak = (frame: unknown) => identify('notification-channels', { frame: parsed(frame) })?.isWeak;
const withBody = (frame: Frame, path: Path, value: unknown): Frame => ({
  ...frame,
  eventBody: withValue(frame.eventBody, path, value),
});
const sampleOf = (name: string): Sample => SAMPLES.find((sample) => sample.name === name)!;

/** Another value of the same kind; a time becomes another time. */
function changed({ frame, times }: Sample, path: Path): unknown {
  const value = valueAt(frame.eventBody, path);
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  const isTime = times.some((time) => time.join() === path.join());
  return isTime ? new Date(Date.parse(String(value)) + 1).toISOString() : `${value}0`;
}

const otherFields = ({ frame, keys }: Sample) =>
  leaves(frame.eventBody).filter((leaf) => !keys.some((key) => key.join() === leaf.join()));
const requiredKeys = ({ keys, optional = [] }: Sample) =>
  keys.filter((key) => !optional.some((one) => one.join() === key.join()));

test('A content identity is 43 characters of base64url, and different for each sample', () => {
  const ids = SAMPLES.map(({ frame }) => idOf(frame));
  for (const id of ids) expect(id).toMatch(/^[\w-]{43}$/);
  expect(new Set(ids).size).toBe(SAMPLES.length);
});

test('Every sample has a recovery key, and no two are equal', () => {
  const keys = SAMPLES.map(({ frame }) => keyOf(frame));
  expect(keys).not.toContain(undefined);
  expect(new Set(keys).size).toBe(SAMPLES.length);
});

test('Only a presence can change, and change back, without a new key, since its modifiedDate', () => {
  const since = SAMPLES.map(({ name, frame }) => [name, lastsSinceMs(parsed(frame))]);
  expect(since.filter(([, ms]) => ms !== undefined)).toEqual([
    ['presence', Date.parse(String(sampleOf('presence').frame.eventBody.modifiedDate))],
  ]);
  const { topicName, eventBody } = sampleOf('presence').frame;
  const sinceOf = (modifiedDate: unknown) =>
    lastsSinceMs(parsed({ topicName, eventBody: { ...eventBody, modifiedDate } }));
  expect(sinceOf(1_800_000_000_000)).toBe(1_800_000_000_000);
  expect(sinceOf('yesterday')).toBeUndefined();
  expect(lastsSinceMs(parsed({ topicName: 'v2.unknown', eventBody }))).toBeUndefined();
});

test('Events of different kinds have different recovery keys, even if their fields have the same values', () => {
  const { frame } = sampleOf('transcription');
  const [id, time, utterances] = ['c1', '2026-03-21T01:09:55.225Z', [{ utteranceId: 'u1', isFinal: true }]];
  const transcription = {
    topicName: `v2.conversations.${id}.transcription`,
    eventBody: { ...frame.eventBody, communicationId: 'x', eventTime: time, transcripts: utterances },
  };
  const presence = {
    topicName: `v2.users.${id}.presence`,
    eventBody: { source: 'x', modifiedDate: time, presenceDefinition: { id: '[["u1",true]]' } },
  };
  expect(keyOf(transcription)).toContain('u1');
  expect(keyOf(presence)).toContain('u1');
  expect(keyOf(presence)).not.toBe(keyOf(transcription));
});

describe.each(SAMPLES)('$name', (sample) => {
  const { name, frame, topicIds, times } = sample;
  const id = idOf(frame);
  const key = keyOf(frame);

  test(`The event ${name} has its content as a stable identity`, () => {
    const identity = identify('notification-channels', { frame });
    expect(identity).toMatchObject({ id, isWeak: false });
  });

  test(`Every key field of ${name} changes the recovery key and the content identity`, () => {
    const others = sample.keys.map((path) => withBody(frame, path, changed(sample, path)));
    expect(new Set([key, ...others.map(keyOf)]).size).toBe(sample.keys.length + 1);
    expect(new Set([id, ...others.map(idOf)]).size).toBe(sample.keys.length + 1);
  });

  test(`Every id in the topic of ${name} changes the recovery key and the content identity`, () => {
    for (const topicId of topicIds) {
      const other = { ...frame, topicName: frame.topicName.replace(topicId, `${topicId}0`) };
      expect(keyOf(other)).not.toBe(key);
      expect(idOf(other)).not.toBe(id);
    }
  });

  test(`The body of ${name} in a topic without known key fields has no recovery key`, () => {
    for (const topicName of GENERIC_TOPICS) expect(keyOf({ ...frame, topicName })).toBeUndefined();
  });

  test(`Other fields of ${name} that are changed, missing or new do not change the recovery key`, () => {
    for (const path of otherFields(sample)) {
      expect(keyOf(withBody(frame, path, 'changed'))).toBe(key);
      expect(keyOf(withBody(frame, path, undefined))).toBe(key);
    }
    expect(keyOf(withBody(frame, ['divisionId'], 'new'))).toBe(key);
  });

  test(`Other fields of ${name} that are changed, missing or new change the content identity`, () => {
    for (const path of otherFields(sample)) {
      expect(idOf(withBody(frame, path, 'changed'))).not.toBe(id);
      expect(idOf(withBody(frame, path, undefined))).not.toBe(id);
    }
    expect(idOf(withBody(frame, ['divisionId'], 'new'))).not.toBe(id);
  });

  test.each(requiredKeys(sample).map((path) => [path]))(
    `Without the key field %j the event ${name} has no recovery key and a weak identity`,
    (path) => {
      for (const nothing of [undefined, null, '', {}]) {
        const partial = withBody(frame, path, nothing);
        expect(keyOf(partial)).toBeUndefined();
        expect(isWeak(partial)).toBe(true);
      }
    },
  );

  test(`A time of ${name} has the same recovery key as a number and in every form of ISO 8601`, () => {
    for (const path of times) {
      const ms = new Date(valueAt(frame.eventBody, path) as string | number).getTime();
      const iso = new Date(ms).toISOString();
      const east = new Date(ms + 7_200_000).toISOString().replace('Z', '+02:00');
      for (const form of [ms, iso, east]) expect(keyOf(withBody(frame, path, form))).toBe(key);
    }
  });

  test(`Times of ${name} that are finer than a millisecond are no key field, and have different identities`, () => {
    for (const path of times) {
      const fine = ['2026-03-21T01:09:55.225001Z', '2026-03-21T01:09:55.225002Z'];
      const events = fine.map((time) => withBody(frame, path, time));
      expect(events.map(keyOf)).toEqual([undefined, undefined]);
      expect(new Set(events.map(idOf)).size).toBe(2);
    }
  });

  test(`The event ${name} has the same identity on the socket and in the native EventBridge integration`, () => {
    const detail = {
      timestamp: '2026-03-21T01:09:56.001Z',
      metadata: { CorrelationId: 'another', type: 'message' },
      eventBody: reordered(frame.eventBody),
      topicName: frame.topicName,
      version: '3',
    };
    expect(idOf(detail)).toBe(id);
    expect(idOf({ topicName: frame.topicName, eventBody: frame.eventBody })).toBe(id);
    expect(identify('notification-channels', { frame: parsed(detail) })).toMatchObject({ id, isWeak: false });
  });
});

describe('events with equal keys and different content', () => {
  /** The identities of events that differ from a sample in one field each. */
  const identities = (name: string, variants: readonly (readonly [Path, unknown])[]) => {
    const { frame } = sampleOf(name);
    const events = [frame, ...variants.map(([path, value]) => withBody(frame, path, value))];
    expect(new Set(events.map(keyOf)).size).toBe(1);
    return new Set(events.map((one) => identify('notification-channels', { frame: parsed(one) })?.id));
  };

  test('Presences that differ only in message, primary or futurePresenceDefinition are different events', () => {
    const variants: [Path, unknown][] = [
      [['message'], 'back at three'],
      [['primary'], false],
      [['futurePresenceDefinition'], { id: '5e5c5c66-ea97-4e7f-ac41-6424784829f2' }],
    ];
    expect(identities('presence', variants).size).toBe(4);
  });

  test('A routing status with errorInfo is a different event than the one without', () => {
    const errorInfo = { errorCode: 'station.not.associated' };
    expect(identities('routing status', [[['errorInfo'], errorInfo]]).size).toBe(2);
  });

  test('Metrics with the same recordId and different values are different events', () => {
    const variants: [Path, unknown][] = [
      [['value'], 13],
      [['metric'], 'tHeld'],
    ];
    expect(identities('metrics', variants).size).toBe(3);
  });

  test('Wrap-ups in the same millisecond with different codes are different events', () => {
    expect(identities('wrapup', [[['wrapupCode'], 'sale']]).size).toBe(2);
  });

  test('ACD starts in the same millisecond with different queues are different events', () => {
    const variants: [Path, unknown][] = [
      [['queueId'], 'b2'],
      [['queueId'], 'b3'],
    ];
    expect(identities('acd.start', variants).size).toBe(3);
  });

  test('Provisional transcriptions with the same utterance and eventTime are different events', () => {
    const text: Path = ['transcripts', 0, 'alternatives', 0, 'transcript'];
    expect(identities('transcription', [[text, 'hello']]).size).toBe(2);
  });
});

test.each(SAMPLES)('Equal copies of $name have equal ids, in any order of their keys', ({ frame }) => {
  const copies = [frame, reordered(frame), JSON.parse(JSON.stringify(reordered(frame))) as Frame];
  const ids = copies.map((copy) => identify('notification-channels', { frame: copy })?.id);
  expect(new Set(ids).size).toBe(1);
});

test.each([
  '2026-13-45T01:09:55.225Z',
  '+002026-03-21T01:09:55.225Z',
  '2026-03-21T01:09:55.225Z (UTC)',
  '2026-03-21',
  '5',
  'now',
  [['2026-03-21T01:09:55.225Z']],
])('The invalid time %s is no key field', (time) => {
  for (const { frame, times } of SAMPLES) {
    for (const path of times) {
      const untimed = withBody(frame, path, time);
      expect(keyOf(untimed)).toBeUndefined();
      expect(idOf(withBody(untimed, ['new'], 1))).not.toBe(idOf(untimed));
    }
  }
});

test('Topics that differ in a lone surrogate have different identities', () => {
  const ids = ['\ud800', '\udfff', '\ufffd'].map((id) =>
    contentIdentity({ topicName: `v2.users.${id}.activity`, eventBody: { n: 1 } }),
  );
  expect(new Set(ids).size).toBe(3);
});

test('Detail events of different types with the same fields have different identities', () => {
  const { frame } = sampleOf('acw');
  const other = { ...frame, topicName: frame.topicName.replace(/acw$/, 'wrapup') };
  expect(keyOf(other)).not.toBe(keyOf(frame));
  expect(idOf(other)).not.toBe(idOf(frame));
});

test('A time without a fraction of a second is a key field', () => {
  const { frame } = sampleOf('presence');
  const [short, long] = ['2026-03-21T01:09:55Z', '2026-03-21T01:09:55.000Z'];
  expect(keyOf(withBody(frame, ['modifiedDate'], short))).toBe(
    keyOf(withBody(frame, ['modifiedDate'], long)),
  );
  expect(keyOf(withBody(frame, ['modifiedDate'], short))).toBeDefined();
});

test.each([
  ['presence', 'presenceDefinition'],
  ['routing status', 'routingStatus'],
])('The event %s has no recovery key if its %s is missing, null or a string', (name, field) => {
  for (const nothing of [undefined, null, 'text'])
    expect(keyOf(withBody(sampleOf(name).frame, [field], nothing))).toBeUndefined();
});

describe('attributes', () => {
  const { frame } = sampleOf('attributes');

  test('A session id does not change the recovery key of attributes, which have none', () => {
    expect(keyOf(withBody(frame, ['sessionId'], 'some'))).toBe(keyOf(frame));
  });

  test('Two attribute updates in the same millisecond have different identities', () => {
    const updates = [{}, { tier: 'gold' }, { tier: 'gold', vip: '1' }, { tier: { name: 'gold' } }];
    const events = updates.map((attributes) => withBody(frame, ['attributes'], attributes));
    expect(new Set(events.map(keyOf)).size).toBe(updates.length);
    expect(new Set(events.map(idOf)).size).toBe(updates.length);
  });

  test('An event without attributes has a recovery key of its other key fields', () => {
    const none = withBody(frame, ['attributes'], undefined);
    expect(keyOf(none)).toBeDefined();
    expect(keyOf(none)).not.toBe(keyOf(frame));
    expect(keyOf(withBody(none, ['ani'], 'changed'))).toBe(keyOf(none));
  });
});

describe('transcriptions', () => {
  const { frame } = sampleOf('transcription');

  test('Transcriptions with other utterances, or in another order, have different identities', () => {
    const transcripts = frame.eventBody.transcripts as unknown[];
    const swapped = withBody(frame, ['transcripts'], transcripts.toReversed());
    const fewer = withBody(frame, ['transcripts'], transcripts.slice(1));
    expect(new Set([frame, swapped, fewer].map(keyOf)).size).toBe(3);
    expect(new Set([frame, swapped, fewer].map(idOf)).size).toBe(3);
  });

  test.each([[[]], [undefined], [['text']], [[{ isFinal: true }]], [[null]], ['none']])(
    'A transcription with the transcripts %j has no recovery key',
    (transcripts) => {
      const status = withBody(frame, ['transcripts'], transcripts);
      const started = withBody(status, ['status'], { status: 'SESSION_ONGOING' });
      const ended = withBody(status, ['status'], { status: 'SESSION_ENDED' });
      expect([status, started, ended].map(keyOf)).toEqual([undefined, undefined, undefined]);
      expect(new Set([status, started, ended].map(idOf)).size).toBe(3);
    },
  );
});
