import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { idsOf, LocalConsumer, message, queuedEvent } from './local-consumer.ts';

const SEED = 20_261_120;
/** What SQS takes is what XML 1.0 takes. */
const NOT_IN_SQS = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

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
const isBody = (body: string) => body.length > 0 && !NOT_IN_SQS.test(body);
let next = 100;

/** A value of any type in the place of one that is right. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(null, 0, -1, 1e300, '', [], {}, true),
);

/** Envelopes with some member replaced or left out. */
const oddEnvelope = fc
  .tuple(fc.constantFrom('v', 'id', 'owner', 'sentAt', 'events'), fc.option(anything, { nil: undefined }))
  .map(([name, value]) => JSON.stringify({ ...JSON.parse(good), [name]: value }))
  .filter(isBody);

/** Anything that a queue can hold and that is no envelope of good events. */
const oddBody = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }).filter(isBody),
  fc.json().filter(isBody),
  fc.integer({ min: 1, max: good.length - 1 }).map((end) => good.slice(0, end)),
  fc.integer({ min: 1, max: good.length - 1 }).map((start) => good.slice(start)),
  fc.integer({ min: 1, max: 50_000 }).map((levels) => '['.repeat(levels)),
  fc.integer({ min: 1, max: 50_000 }).map((levels) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`),
  oddEnvelope,
);

/** Items that are no events: any JSON, or an event with some member of its own or of its frame replaced. */
const oddItem = fc.oneof(
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

test('no body makes the consumer throw; each that is no envelope is quarantined whole, by itself', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(oddBody, { minLength: 1, maxLength: 10 }), async (bodies) => {
      const earlier = consumer.quarantined.length;
      const published = consumer.published.length;
      const event = queuedEvent(next++);
      const messages = bodies.map((body, index) => ({ messageId: `fuzz-${next}-${index}`, body }));
      expect(await consumer.deliver(...messages, message([event]))).toEqual([]);
      expect(consumer.publishedIds.slice(published)).toContain(event.id);
      const { received, quarantined } = consumer.report;
      const kept = consumer.quarantined.slice(earlier).map(({ body }) => body);
      expect(kept).toHaveLength(quarantined);
      // What is an envelope after all has been counted event by event.
      const whole = bodies.filter((body) => kept.includes(body));
      expect(whole.length + received - 1).toBeGreaterThanOrEqual(bodies.length);
      for (const { attributes } of consumer.quarantined.slice(earlier))
        expect(attributes.reason?.stringValue).toMatch(/^[\x20-\x7e]{1,500}$/);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('no item makes the consumer throw; each ends on the bus or in quarantine, and the good ones are published', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(oddItem, { minLength: 1, maxLength: 6 }), async (items) => {
      const earlier = consumer.quarantined.length;
      const before = consumer.published.length;
      const event = queuedEvent(next++);
      const sent = message([...items, event]);
      expect(await consumer.deliver(sent)).toEqual([]);
      const { published, duplicates, quarantined, received } = consumer.report;
      expect(received).toBe(items.length + 1);
      expect(published.length + duplicates + quarantined).toBe(received);
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
