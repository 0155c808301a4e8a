import { describe, expect, test } from 'vitest';
import { eventIdentity } from '../../lib/events/identity.ts';
import { type Frame, frameSchema } from '../../lib/events/schema.ts';
import { leaves, type Path, reordered, valueAt, withValue } from './json.ts';
import { SAMPLES, type Sample } from './samples.ts';

/** Identity of a frame after JSON and the schema. */
const idOf = (frame: unknown) => eventIdentity(frameSchema.parse(JSON.parse(JSON.stringify(frame))));
const withBody = (frame: Frame, path: Path, value: unknown): Frame => ({
  ...frame,
  eventBody: withValue(frame.eventBody, path, value),
});

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

test('An identity is 43 characters of base64url, and different for each sample', () => {
  const ids = SAMPLES.map(({ frame }) => idOf(frame));
  for (const id of ids) expect(id).toMatch(/^[\w-]{43}$/);
  expect(new Set(ids).size).toBe(SAMPLES.length);
});

describe.each(SAMPLES)('$name', (sample) => {
  const { name, frame, topicIds, times } = sample;
  const id = idOf(frame);

  test(`Every key field of ${name} changes the identity`, () => {
    const ids = sample.keys.map((key) => idOf(withBody(frame, key, changed(sample, key))));
    expect(new Set([id, ...ids]).size).toBe(sample.keys.length + 1);
  });

  test(`Every id in the topic of ${name} changes the identity`, () => {
    for (const topicId of topicIds) {
      expect(idOf({ ...frame, topicName: frame.topicName.replace(topicId, `${topicId}0`) })).not.toBe(id);
    }
  });

  test(`Other fields of ${name} that are changed, missing or new do not change the identity`, () => {
    for (const path of otherFields(sample)) {
      expect(idOf(withBody(frame, path, 'changed'))).toBe(id);
      expect(idOf(withBody(frame, path, undefined))).toBe(id);
    }
    expect(idOf({ ...frame, eventBody: { ...frame.eventBody, divisionId: 'new' } })).toBe(id);
  });

  test.each(requiredKeys(sample).map((key) => [key]))(
    `Without the key field %j the whole body of ${name} is the key`,
    (key) => {
      for (const nothing of [undefined, null, '', {}]) {
        const partial = withBody(frame, key, nothing);
        expect(idOf(partial)).not.toBe(id);
        const ids = leaves(partial.eventBody).map((path) => idOf(withBody(partial, path, 'changed')));
        expect(ids).not.toContain(idOf(partial));
        expect(idOf(reordered(partial))).toBe(idOf(partial));
      }
    },
  );

  test(`A time of ${name} has the same identity as a number and in every form of ISO 8601`, () => {
    for (const path of times) {
      const ms = new Date(valueAt(frame.eventBody, path) as string | number).getTime();
      const iso = new Date(ms).toISOString();
      const east = new Date(ms + 7_200_000).toISOString().replace('Z', '+02:00');
      for (const form of [ms, iso, east]) expect(idOf(withBody(frame, path, form))).toBe(id);
    }
  });

  test(`Times of ${name} that differ by less than a millisecond have different identities`, () => {
    for (const path of times) {
      const fine = ['2026-03-21T01:09:55.225001Z', '2026-03-21T01:09:55.225002Z'];
      expect(new Set(fine.map((time) => idOf(withBody(frame, path, time)))).size).toBe(2);
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
  });
});

test.each(['2026-13-45T01:09:55.225Z', '2026-03-21', '5', 'now'])(
  'With the invalid time %s the whole body is the key',
  (time) => {
    for (const { frame, times } of SAMPLES) {
      for (const path of times) {
        const untimed = withBody(frame, path, time);
        expect(idOf(withBody(untimed, ['new'], 1))).not.toBe(idOf(untimed));
      }
    }
  },
);

test('Topics that differ in a lone surrogate have different identities', () => {
  const ids = ['\ud800', '\udfff', '\ufffd'].map((id) =>
    eventIdentity({ topicName: `v2.users.${id}.activity`, eventBody: { n: 1 } }),
  );
  expect(new Set(ids).size).toBe(3);
});

test('Detail events of different types with the same fields have different identities', () => {
  const sample = SAMPLES.find(({ name }) => name === 'acw')!;
  const topicName = sample.frame.topicName.replace(/acw$/, 'wrapup');
  expect(idOf({ ...sample.frame, topicName })).not.toBe(idOf(sample.frame));
});

describe('attributes', () => {
  const { frame } = SAMPLES.find(({ name }) => name === 'attributes')!;

  test('A session id does not change the identity of attributes, which have none', () => {
    expect(idOf(withBody(frame, ['sessionId'], 'some'))).toBe(idOf(frame));
  });

  test('Two updates of attributes in the same millisecond have different identities', () => {
    const updates = [{}, { tier: 'gold' }, { tier: 'gold', vip: '1' }, { tier: { name: 'gold' } }];
    const ids = updates.map((attributes) => idOf(withBody(frame, ['attributes'], attributes)));
    expect(new Set(ids).size).toBe(updates.length);
  });

  test('An event without attributes has an identity of its key fields', () => {
    const none = withBody(frame, ['attributes'], undefined);
    expect(idOf(none)).not.toBe(idOf(frame));
    expect(idOf(withBody(none, ['ani'], 'changed'))).toBe(idOf(none));
  });
});

describe('transcriptions', () => {
  const { frame } = SAMPLES.find(({ name }) => name === 'transcription')!;

  test('Transcriptions with other utterances, or in another order, have different identities', () => {
    const transcripts = frame.eventBody.transcripts as unknown[];
    const swapped = withBody(frame, ['transcripts'], transcripts.toReversed());
    const fewer = withBody(frame, ['transcripts'], transcripts.slice(1));
    expect(new Set([frame, swapped, fewer].map(idOf)).size).toBe(3);
  });

  test.each([[[]], [undefined], [['text']], [[{ isFinal: true }]], ['none']])(
    'A transcription with the transcripts %j has its whole body as key',
    (transcripts) => {
      const status = withBody(frame, ['transcripts'], transcripts);
      const started = withBody(status, ['status'], { status: 'SESSION_ONGOING' });
      const ended = withBody(status, ['status'], { status: 'SESSION_ENDED' });
      expect(new Set([status, started, ended].map(idOf)).size).toBe(3);
    },
  );
});
