import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spreadTopics } from '../../functions/ingester/protocols/notification-channels/topic-spreading.ts';
import { MAX_TOPICS_PER_CHANNEL } from '../../lib/genesys/channel-budget.ts';

describe('spreading topics across channels', () => {
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `v2.users.${from + n}.presence`);

  test('A channel has at most 1,000 topics', () => {
    const { channels } = spreadTopics([], numbered(0, 2_500), 10);
    expect(channels.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(channels.flat()).toEqual(numbered(0, 2_500));
  });

  test('A channel that became empty keeps its place and is filled first', () => {
    const before = spreadTopics([], numbered(0, 2_500), 10).channels;
    const emptied = spreadTopics(before, numbered(1_000, 2_500), 10).channels;
    expect(emptied.map(({ length }) => length)).toEqual([0, 1_000, 500]);
    const filled = spreadTopics(emptied, numbered(1_000, 2_600), 10).channels;
    expect(filled.map(({ length }) => length)).toEqual([100, 1_000, 500]);
  });

  test('Topics that do not fit into the channels are returned, and the others are spread', () => {
    const most = 10 * MAX_TOPICS_PER_CHANNEL;
    expect(spreadTopics([], numbered(0, most), 10).surplus).toEqual([]);
    const { channels, surplus } = spreadTopics([], numbered(0, most + 2), 10);
    expect(channels).toHaveLength(10);
    expect(channels.flat()).toEqual(numbered(0, most));
    expect(surplus).toEqual(numbered(most, most + 2));
  });

  test('A task uses no more channels than it may', () => {
    const { channels, surplus } = spreadTopics([], numbered(0, 2_500), 2);
    expect(channels.map(({ length }) => length)).toEqual([1_000, 1_000]);
    expect(surplus).toHaveLength(500);
  });

  test('Spreading keeps every topic once, fills no channel beyond its limit and moves no topic', () => {
    const set = () => fc.uniqueArray(fc.integer({ min: 0, max: 5_000 }), { maxLength: 3_500, size: 'max' });
    fc.assert(
      fc.property(set(), set(), set(), (...rounds) => {
        let channels: string[][] = [];
        for (const round of rounds) {
          const topics = round.map((n) => `v2.users.${n}.presence`);
          const placeOf = new Map(
            channels.flatMap((list, channel) => list.map((topic) => [topic, channel] as const)),
          );
          channels = spreadTopics(channels, topics, 10).channels;
          expect(channels.flat().toSorted()).toEqual(topics.toSorted());
          expect(Math.max(0, ...channels.map(({ length }) => length))).toBeLessThanOrEqual(
            MAX_TOPICS_PER_CHANNEL,
          );
          for (const [channel, list] of channels.entries())
            for (const topic of list)
              if ((placeOf.get(topic) ?? channel) !== channel) throw new Error(`${topic} moved`);
        }
      }),
      { numRuns: 25 },
    );
  });
});
