import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_DEPTH_LEVELS, TooDeepError } from '../../lib/events/canonical-json.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import { contentIdentity, recoveryKey } from '../../lib/events/identity.ts';
import { frameSchema } from '../../lib/events/schema.ts';
import { anyText, jsonBody, leaves, type Path, reordered, valueAt, withValue } from './json.ts';
import { GENERIC_TOPICS, SAMPLES } from './samples.ts';

const topic = () => fc.constantFrom(...GENERIC_TOPICS, ...SAMPLES.map(({ frame }) => frame.topicName));
const generic = () => fc.constantFrom(...GENERIC_TOPICS);
const idOf = (topicName: string, eventBody: Record<string, unknown>) =>
  contentIdentity({ topicName, eventBody });
const keyOf = (topicName: string, eventBody: Record<string, unknown>) =>
  recoveryKey({ topicName, eventBody });

describe('the content identity of any topic and body', () => {
  test('Metadata, version, timestamp, unknown fields and the order of keys do not change the content identity', () => {
    fc.assert(
      fc.property(topic(), jsonBody(), jsonBody(), jsonBody(), (topicName, eventBody, metadata, more) => {
        const frame = { ...more, topicName, eventBody };
        const other = { metadata, timestamp: '2026-01-01T00:00:00.000Z', version: '9' };
        expect(contentIdentity(reordered({ ...frame, ...other }))).toBe(contentIdentity(frame));
      }),
    );
  });

  test('The CorrelationId does not change the identity', () => {
    fc.assert(
      fc.property(topic(), jsonBody(), anyText(), anyText(), (topicName, eventBody, one, two) => {
        const frame = (CorrelationId: string) => ({ topicName, eventBody, metadata: { CorrelationId } });
        expect(contentIdentity(frame(one))).toBe(contentIdentity(frame(two)));
      }),
    );
  });

  test('The schema does not change the identity, not even with a key named __proto__', () => {
    fc.assert(
      fc.property(topic(), jsonBody(), (topicName, eventBody) => {
        const text = `{"topicName":${JSON.stringify(topicName)},"eventBody":${JSON.stringify(eventBody)}}`;
        expect(contentIdentity(frameSchema.parse(parseExactJson(text)))).toBe(idOf(topicName, eventBody));
      }),
    );
  });
});

describe('the content identity of different events', () => {
  test('Two bodies of a topic have the same content identity exactly when they are equal', () => {
    fc.assert(
      fc.property(topic(), jsonBody(), jsonBody(), (topicName, one, two) => {
        expect(idOf(topicName, one) === idOf(topicName, two)).toBe(isDeepStrictEqual(one, two));
      }),
    );
  });

  test('A topic without key fields has no recovery key, regardless of its body', () => {
    fc.assert(
      fc.property(generic(), jsonBody(), (topicName, eventBody) => {
        expect(recoveryKey({ topicName, eventBody })).toBeUndefined();
      }),
    );
  });

  test('A change anywhere in the body changes the content identity', () => {
    fc.assert(
      fc.property(topic(), jsonBody(), fc.nat(), anyText(), (topicName, body, at, value) => {
        const places = leaves(body);
        const place = places[at % Math.max(1, places.length)] ?? ['new'];
        fc.pre(valueAt(body, place) !== value);
        const other = withValue(body, place, value);
        expect(idOf(topicName, other)).not.toBe(idOf(topicName, body));
      }),
    );
  });

  test('Different topics have different content identities', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText(), { minLength: 2 }), jsonBody(), (ids, body) => {
        const identities = ids.map((id) => idOf(`v2.users.${id}.activity`, body));
        expect(new Set(identities).size).toBe(ids.length);
      }),
    );
  });
});

describe.each(SAMPLES)('the key fields of $name', ({ name, frame, keys, optional = [], times, topicIds }) => {
  const isOptional = (key: Path) => optional.some((one) => one.join() === key.join());
  const texts = keys.filter(
    (key) =>
      typeof valueAt(frame.eventBody, key) === 'string' && !times.some((one) => one.join() === key.join()),
  );

  test(`Different strings in a key field of ${name} change the recovery key and the content identity`, () => {
    for (const key of texts) {
      fc.assert(
        fc.property(fc.uniqueArray(anyText(), { minLength: 2, maxLength: 5 }), (values) => {
          const bodies = values.map((value) => withValue(frame.eventBody, key, value));
          expect(new Set(bodies.map((body) => idOf(frame.topicName, body))).size).toBe(values.length);
          const keyed = bodies.map((body) => keyOf(frame.topicName, body)).filter((one) => one !== undefined);
          // The empty text is not a key.
          expect(keyed).toHaveLength(values.filter((value) => value !== '' || isOptional(key)).length);
          expect(new Set(keyed).size).toBe(keyed.length);
        }),
        { numRuns: 30 },
      );
    }
  });

  test(`Different times in a key field of ${name} change the recovery key, and their form does not`, () => {
    for (const key of times) {
      fc.assert(
        fc.property(
          fc.uniqueArray(fc.integer({ min: 0, max: 4e12 }), { minLength: 2, maxLength: 5 }),
          (all) => {
            const asNumber = all.map((ms) => keyOf(frame.topicName, withValue(frame.eventBody, key, ms)));
            const asText = all.map((ms) =>
              keyOf(frame.topicName, withValue(frame.eventBody, key, new Date(ms).toISOString())),
            );
            expect(asText).toEqual(asNumber);
            expect(new Set(asNumber).size).toBe(all.length);
          },
        ),
        { numRuns: 30 },
      );
    }
  });

  test(`Different ids in the topic of ${name} change the recovery key and the content identity`, () => {
    const [id = ''] = topicIds;
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[\w-]+$/), { minLength: 2, maxLength: 5 }), (ids) => {
        const topics = ids.map((one) => frame.topicName.replace(id, () => one));
        expect(new Set(topics.map((one) => idOf(one, frame.eventBody))).size).toBe(ids.length);
        expect(new Set(topics.map((one) => keyOf(one, frame.eventBody))).size).toBe(ids.length);
      }),
      { numRuns: 30 },
    );
  });
});

describe.each([
  ...SAMPLES.map(({ name, frame }) => ({ name, frame })),
  { name: 'a generic topic', frame: { topicName: GENERIC_TOPICS[0]!, eventBody: {} } },
])('deep nesting in $name', ({ name, frame }) => {
  const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;

  test.each(['eventBody', 'metadata', 'unknown'] as const)(
    `Too deep nesting in the %s of ${name} is refused`,
    (part) => {
      const framed = (levels: number) =>
        part === 'unknown'
          ? { ...frame, unknown: deep(levels) }
          : {
              ...frame,
              [part]: { ...(part === 'eventBody' ? frame.eventBody : {}), extra: deep(levels - 1) },
            };
      expect(contentIdentity(framed(MAX_DEPTH_LEVELS))).toHaveLength(43);
      expect(() => contentIdentity(framed(MAX_DEPTH_LEVELS + 1))).toThrow(TooDeepError);
      expect(() => contentIdentity(framed(100_000))).toThrow(TooDeepError);
    },
  );
});
