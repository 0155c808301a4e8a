import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messagePlace } from '../../functions/delivery-order/message-group.ts';

const CONVERSATION = '2f7bf00a-0fc2-4d6a-9b56-92238191433e';
const OTHER = '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';

function event(topicName: unknown, eventBody: unknown = {}, fields: object = {}): string {
  return JSON.stringify({
    id: 'event-id',
    'detail-type': 'type',
    detail: { topicName, eventBody, ...fields },
  });
}

const groupOf = (body: string) => messagePlace(body, 'message-id').groupId;

test.each<[string, object]>([
  [`v2.detail.events.conversation.${CONVERSATION}.customer.end`, { conversationId: CONVERSATION }],
  [`v2.detail.events.agent.${OTHER}.state`, { conversationId: CONVERSATION }],
  [`v2.conversations.${CONVERSATION}.transcription`, { conversationId: CONVERSATION }],
  [`v2.conversations.calls.${CONVERSATION}`, { id: CONVERSATION, participants: [] }],
  [`v2.conversations.messages.${CONVERSATION}`, { id: CONVERSATION, participants: [] }],
  [`v2.conversations.chats.${CONVERSATION}.messages`, { id: OTHER, conversation: { id: CONVERSATION } }],
  [`v2.users.${OTHER}.conversations`, { id: CONVERSATION }],
  [`v2.users.${OTHER}.conversations.calls`, { id: CONVERSATION }],
  [`v2.routing.queues.${OTHER}.conversations`, { id: CONVERSATION }],
  [`v2.analytics.conversation.${CONVERSATION}.metrics`, { recordId: OTHER }],
])('An event of %s belongs to its conversation', (topicName, eventBody) => {
  expect(groupOf(event(topicName, eventBody))).toBe(CONVERSATION);
});

test('An oversize event belongs to the conversation in its topic, because its body is empty', () => {
  expect(groupOf(event(`v2.detail.events.conversation.${CONVERSATION}.acw`))).toBe(CONVERSATION);
  expect(groupOf(event(`v2.conversations.${CONVERSATION}.transcription`))).toBe(CONVERSATION);
});

test.each([
  [`v2.users.${OTHER}.presence`, { id: 'p' }],
  [`v2.users.${OTHER}.conversationsummary`, { id: 'x' }],
  [`v2.users.${OTHER}.conversations`, {}],
  [`v2.analytics.queues.${OTHER}.observations`, { group: { queueId: OTHER } }],
])('An event of %s without a conversation belongs to its topic', (topicName, eventBody) => {
  expect(groupOf(event(topicName, eventBody))).toBe(topicName);
});

test('A topic with other characters or more than 128 is hashed', () => {
  const [spaces, long] = [groupOf(event('a topic')), groupOf(event('x'.repeat(129)))];
  expect(spaces).toMatch(/^[\w-]{43}$/);
  expect(long).toMatch(/^[\w-]{43}$/);
  expect(groupOf(event('a topic'))).toBe(spaces);
  expect(groupOf(event('x'.repeat(130)))).not.toBe(long);
});

test('An event without a topic belongs to its type', () => {
  expect(groupOf(JSON.stringify({ id: '1', 'detail-type': 'Switchboard gap', detail: {} }))).toMatch(
    /^[\w-]{43}$/,
  );
});

test.each(['not JSON', '', '[]', 'null', '7', '{}'])('The body %o has its own group', (body) => {
  expect(messagePlace(body, 'message-id')).toEqual({
    groupId: 'message-id',
    deduplicationId: 'message-id',
    receivedAtMs: undefined,
    eventAtMs: undefined,
  });
});

test('An event is identified by its EventBridge id', () => {
  expect(messagePlace(event('t'), 'message-id').deduplicationId).toBe('event-id');
  expect(messagePlace('{"id":"event-id","replay-name":"r"}', 'message-id').deduplicationId).toBe(
    'event-id#r',
  );
  expect(messagePlace('{"id":7}', 'message-id').deduplicationId).toBe('message-id');
});

test('SQS accepts both ids, regardless of the body', () => {
  const names = fc.constantFrom('id', 'detail', 'detail-type', 'topicName', 'eventBody', 'conversationId');
  const json = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, fc.string({ unit: 'binary' }), fc.jsonValue(), tie('object')),
    object: fc.dictionary(names, tie('node')),
  }));
  fc.assert(
    fc.property(json.object, (body) => {
      const { groupId, deduplicationId } = messagePlace(JSON.stringify(body), 'message-id');
      expect(groupId).toMatch(/^[!-~]{1,128}$/);
      expect(deduplicationId).toMatch(/^[!-~]{1,128}$/);
    }),
  );
});
