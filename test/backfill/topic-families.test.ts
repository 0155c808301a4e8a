import { PLATFORM_MEMORY } from 'switchboard-local/simulator/recovery/platform-memory.ts';
import { expect, test } from 'vitest';
import {
  familyOf,
  NO_API,
  TOPIC_FAMILIES,
  type TopicFamily,
} from '../../functions/backfill/topic-families.ts';

const families = Object.entries<TopicFamily>(TOPIC_FAMILIES);

test('The recovered events are those that the simulated platform remembers', () => {
  const memory = { events: 'every', present_state: 'last', none: undefined } as const;
  for (const [, { topics, recovery }] of families)
    for (const topic of topics) expect(PLATFORM_MEMORY[topic], topic).toBe(memory[recovery]);
  expect(Object.keys(PLATFORM_MEMORY).filter((topic) => familyOf(topic) === undefined)).toEqual([]);
});

test('A topic has the family of its template, with or without ids', () => {
  for (const [name, { topics }] of families)
    for (const topic of topics) {
      expect(familyOf(topic)).toBe(name);
      expect(familyOf(topic.replaceAll('{id}', '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1'))).toBe(name);
    }
});

test('Topics of which the record says nothing are known as such, and others have no family', () => {
  const detail = 'v2.detail.events.conversation.{id}';
  const types = ['attributes', 'contact', 'flow.outcome', 'outbound'];
  expect(types.map((type) => familyOf(`${detail}.${type}`))).toEqual(types.map(() => 'otherDetailEvents'));
  expect(familyOf('v2.conversations.{id}.transcription')).toBe('transcription');
  expect(familyOf('v2.routing.queues.{id}.users')).toBeUndefined();
});

test('Every family says what is not recovered, and the call that reads the rest', () => {
  expect(NO_API).not.toBe('');
  for (const [name, { limits, call, recovery }] of families) {
    expect(limits, name).not.toBe('');
    expect(call, name).toEqual(
      recovery === 'none' ? undefined : expect.stringMatching(/^(GET|POST) .*\/api/),
    );
  }
});
