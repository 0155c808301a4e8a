import { expect, test } from 'vitest';
import { RecentItems } from '../../functions/ingester/standby/recent-items.ts';
import { RoleQueue } from '../../functions/ingester/standby/role-queue.ts';
import { KeptItems } from './kept-items.ts';

const itemOf = (json: string) => ({ json, bytes: Buffer.byteLength(json) });
const keptBytes = (json: string) => {
  const queue = new RoleQueue(new KeptItems());
  queue.add(itemOf(json), Date.now(), '0');
  return queue.recent.bytes;
};

test('A text with characters outside of ASCII counts with two bytes per character, as V8 may keep it', () => {
  const ascii = keptBytes('"aaaa"');
  expect(keptBytes('"aaaaaa"') - ascii).toBe(2);
  expect(keptBytes('"aaa’"') - ascii).toBe(6);
});

test('What a standby keeps is sent by time of receipt when it leads, and then everything at once', async () => {
  const sent = new KeptItems();
  const queue = new RoleQueue(sent, new RecentItems());
  const nowMs = Date.now();
  queue.add(itemOf('"second"'), nowMs, '0');
  queue.addLater(10, async () => itemOf('"first"'), nowMs - 1, '0');
  queue.add(itemOf('"not wanted"'), nowMs - 2, '1');
  expect(sent.items).toEqual([]);
  queue.send(({ subscription }) => subscription === '0');
  queue.lead();
  queue.add(itemOf('"third"'), nowMs, '1');
  await expect.poll(() => sent.items.length).toBe(3);
  expect(queue.recent.bytes).toBe(0);
  queue.follow();
  queue.add(itemOf('"kept"'), nowMs, '0');
  expect(sent.items).toHaveLength(3);
});
