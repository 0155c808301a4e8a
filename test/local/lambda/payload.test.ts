import { failedMessageIds } from 'switchboard-local/lambda/payload.ts';
import { expect, test } from 'vitest';

const ids = new Set(['a', 'b', 'c']);
const failures = (...items: unknown[]) => ({ batchItemFailures: items });

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['an empty object', {}],
  ['a null list', { batchItemFailures: null }],
  ['an empty list', failures()],
])('All messages succeeded if the response is %s', (_, response) => {
  expect([...failedMessageIds(response, ids)]).toEqual([]);
});

test('The messages that a response names have failed', () => {
  expect([...failedMessageIds(failures({ itemIdentifier: 'b' }), ids)]).toEqual(['b']);
});

const circular: Record<string, unknown> = {};
circular.self = circular;

test.each<[string, unknown]>([
  ['an empty identifier', failures({ itemIdentifier: '' })],
  ['a null identifier', failures({ itemIdentifier: null })],
  ['an unknown identifier', failures({ itemIdentifier: 'b' }, { itemIdentifier: 'z' })],
  ['an identifier named twice', failures({ itemIdentifier: 'b' }, { itemIdentifier: 'b' })],
  ['a wrong key', failures({ id: 'b' })],
  ['a null item', failures(null)],
  ['a value that is not a list', { batchItemFailures: 'b' }],
  ['a text', 'ok'],
  ['a value that JSON cannot represent', circular],
])('The whole batch is redelivered for a response with %s', (_, response) => {
  expect([...failedMessageIds(response, ids)]).toEqual(['a', 'b', 'c']);
});
