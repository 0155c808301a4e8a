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
])('all succeeded: %s', (_, response) => {
  expect([...failedMessageIds(response, ids)]).toEqual([]);
});

test('the named messages failed', () => {
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
  ['no list', { batchItemFailures: 'b' }],
  ['a string', 'ok'],
  ['what JSON cannot say', circular],
])('the whole batch comes again: %s', (_, response) => {
  expect([...failedMessageIds(response, ids)]).toEqual(['a', 'b', 'c']);
});
