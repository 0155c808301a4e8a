import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  delivery,
  GET_SECRET,
  LocalWebhook,
  OTHER_SECRET,
  SECRET,
  SECRET_NAME,
  sign,
} from './local-webhook.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const THIRD_SECRET = 'ab'.repeat(32);

let webhook: LocalWebhook;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  webhook = await LocalWebhook.create();
});
afterEach(async () => {
  vi.useRealTimers();
  await webhook.close();
});

const reads = () => webhook.calls.filter((target) => target === GET_SECRET).length;
const send = (secret: string) => {
  const body = delivery();
  return webhook.status(body, { signature: sign(body, secret) });
};
const rotate = (secret: string) => webhook.emulator.secretsManager.set(SECRET_NAME, secret);

test('The secret is read once for many deliveries, and again after five minutes', async () => {
  for (let count = 0; count < 20; count++) expect(await send(SECRET)).toBe(202);
  const first = reads();
  vi.setSystemTime(Date.now() + 4 * MINUTE);
  await send(SECRET);
  expect(reads()).toBe(first);
  vi.setSystemTime(Date.now() + 2 * MINUTE);
  await send(SECRET);
  expect(reads()).toBe(2 * first);
});

test('Concurrent deliveries share one read', async () => {
  const statuses = await Promise.all(Array.from({ length: 20 }, () => send(SECRET)));
  expect(new Set(statuses)).toEqual(new Set([202]));
  expect(reads()).toBe(1);
});

test('After a rotation the first delivery with the new secret is accepted, and so is one with the old secret', async () => {
  expect(await send(SECRET)).toBe(202);
  vi.setSystemTime(Date.now() + MINUTE);
  rotate(OTHER_SECRET);
  expect(await send(OTHER_SECRET)).toBe(202);
  expect(await send(SECRET)).toBe(202);
});

test('After two rotations the first secret is no longer valid', async () => {
  expect(await send(SECRET)).toBe(202);
  rotate(OTHER_SECRET);
  rotate(THIRD_SECRET);
  vi.setSystemTime(Date.now() + MINUTE);
  expect(await send(THIRD_SECRET)).toBe(202);
  expect(await send(OTHER_SECRET)).toBe(202);
  expect(await send(SECRET)).toBe(401);
});

test('Forged signatures cause at most one read in five seconds', async () => {
  await send(SECRET);
  vi.setSystemTime(Date.now() + MINUTE);
  const first = reads();
  for (let count = 0; count < 20; count++) expect(await send(OTHER_SECRET)).toBe(401);
  expect(reads()).toBe(2 * first);
  vi.setSystemTime(Date.now() + 6 * SECOND);
  rotate(OTHER_SECRET);
  expect(await send(OTHER_SECRET)).toBe(202);
});

test.each(['', 'not hexadecimal', 'abc', SECRET.slice(0, 30), `${SECRET}0`])(
  'While the value of the secret is %j, deliveries get 503, because the sender retries them',
  async (value) => {
    webhook.emulator.secretsManager.set(SECRET_NAME, value);
    webhook.emulator.secretsManager.set(SECRET_NAME, value);
    expect(await send(SECRET)).toBe(503);
    vi.setSystemTime(Date.now() + 2 * SECOND);
    rotate(SECRET);
    expect(await send(SECRET)).toBe(202);
  },
);

test('White space around the value is ignored', async () => {
  rotate(` ${OTHER_SECRET}\n`);
  expect(await send(OTHER_SECRET)).toBe(202);
});

test('While the secret cannot be read, known keys are used for up to an hour', async () => {
  await send(SECRET);
  webhook.emulator.secretsManager.actions.DeleteSecret?.({ SecretId: SECRET_NAME });
  vi.setSystemTime(Date.now() + 30 * MINUTE);
  expect(await send(SECRET)).toBe(202);
  vi.setSystemTime(Date.now() + 31 * MINUTE);
  expect(await send(SECRET)).toBe(503);
});

test('While the secret cannot be read, an unknown signature gets 503, because it may belong to a new secret', async () => {
  await send(SECRET);
  webhook.emulator.secretsManager.actions.DeleteSecret?.({ SecretId: SECRET_NAME });
  vi.setSystemTime(Date.now() + 10 * SECOND);
  expect(await send(OTHER_SECRET)).toBe(503);
});

test('While the secret cannot be read at the start, it is read at most once a second', async () => {
  webhook.emulator.secretsManager.actions.DeleteSecret?.({ SecretId: SECRET_NAME });
  const attempts = vi.spyOn(webhook.emulator, 'handle');
  for (let count = 0; count < 10; count++) expect(await send(SECRET)).toBe(503);
  expect(attempts.mock.calls.length).toBe(2);
});
