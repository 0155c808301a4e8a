import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { idsOf, LocalConsumer, message, queuedEvent } from './local-consumer.ts';

const SEED = 20_261_120;
/** SQS accepts the characters of XML 1.0. */
const INVALID_SQS_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

let consumer: LocalConsumer;

beforeAll(async () => {
  consumer = await LocalConsumer.create();
});
afterAll(async () => {
  await consumer.close();
});
beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const good = message([queuedEvent(1)]).body;
const isBody = (body: string) => body.length > 0 && !INVALID_SQS_CHARACTER.test(body);
let next = 100;

/** A value of any type that replaces a valid one. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(null, 0, -1, 1e300, '', [], {}, true),
);

/** Envelopes with one member replaced or omitted. */
const invalidEnvelope = fc
  .tuple(fc.constantFrom('v', 'id', 'owner', 'sentAt', 'events'), fc.option(anything, { nil: undefined }))
  .map(([name, value]) => JSON.stringify({ ...JSON.parse(good), [name]: value }))
  .filter(isBody);

/** Message bodies that are not an envelope of valid events. */
const invalidBody = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }).filter(isBody),
  fc.json().filter(isBody),
  fc.integer({ min: 1, max: good.length - 1 }).map((end) => good.slice(0, end)),
  fc.integer({ min: 1, max: good.length - 1 }).map((start) => good.slice(start)),
  fc.integer({ min: 1, max: 50_000 }).map((levels) => '['.repeat(levels)),
  fc.integer({ min: 1, max: 50_000 }).map((levels) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`),
  invalidEnvelope,
);

/** Items that are not events: any JSON, or an event with one member of the event or its frame replaced. */
const invalidItem = fc.oneof(
  anything,
  fc
    .tuple(fc.constantFrom('id', 'type', 'protocol', 'receivedAt', 'frame'), anything)
    .map(([name, value]) => ({ ...queuedEvent(2), [name]: value })),
  fc
    .tuple(fc.constantFrom('topicName', 'version', 'timestamp', 'eventBody', 'metadata'), anything)
    .map(([name, value]) => {
      const event = queuedEvent(3);
      return { ...event, frame: { ...event.frame, [name]: value } };
    }),
);

test('No body makes the consumer throw, and each body that is not an envelope is quarantined whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(invalidBody, { minLength: 1, maxLength: 10 }), async (bodies) => {
      const earlier = consumer.quarantined.length;
      const published = consumer.published.length;
      const event = queuedEvent(next++);
      const messages = bodies.map((body, index) => ({ messageId: `fuzz-${next}-${index}`, body }));
      expect(await consumer.deliver(...messages, message([event]))).toEqual([]);
      expect(consumer.publishedIds.slice(published)).toContain(event.id);
      const { received, quarantined } = consumer.report;
      const kept = consumer.quarantined.slice(earlier).map(({ body }) => body);
      expect(kept).toHaveLength(quarantined);
      // Bodies that are valid envelopes are counted event by event.
      const whole = bodies.filter((body) => kept.includes(body));
      expect(whole.length + received - 1).toBeGreaterThanOrEqual(bodies.length);
      for (const { attributes } of consumer.quarantined.slice(earlier))
        expect(attributes.reason?.stringValue).toMatch(/^[\x20-\x7e]{1,500}$/);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('No item makes the consumer throw, and each is published, dropped as a duplicate or quarantined', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(invalidItem, { minLength: 1, maxLength: 6 }), async (items) => {
      const earlier = consumer.quarantined.length;
      const before = consumer.published.length;
      const event = queuedEvent(next++);
      const sent = message([...items, event]);
      expect(await consumer.deliver(sent)).toEqual([]);
      const { published, duplicates, quarantined, received } = consumer.report;
      expect(received).toBe(items.length + 1);
      expect(published.length + duplicates.length + quarantined).toBe(received);
      expect(idsOf(published)).toContain(event.id);
      expect(consumer.published.slice(before)).toHaveLength(published.length);
      const kept = consumer.quarantined.slice(earlier).map(({ body }) => JSON.parse(body));
      const plain = JSON.parse(sent.body).events;
      for (const { owner, events } of kept) {
        expect(owner).toBe(sent.owner);
        expect(plain).toContainEqual(events[0]);
      }
    }),
    { seed: SEED, numRuns: 200 },
  );
});
