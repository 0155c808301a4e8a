import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';

test('With --deliver-ordered, a failed or refused event holds back the later ones of its conversation only', async () => {
  const topics = 'v2.users.{id}.conversations,v2.routing.queues.{id}.conversations,v2.users.{id}.presence';
  const flags = [
    '--events',
    '400',
    '--rate',
    '400',
    '--topics',
    topics,
    '--health-port',
    '0',
    '--exit',
    '--json',
  ];
  const faults = 'receiver_refused_4xx,receiver_half_closed,receiver_garbage_answer,duplicate_event';
  const { code, stdout, stderr } = await switchboard([
    'local',
    ...flags,
    '--deliver',
    '--deliver-ordered',
    ...['--faults', faults, '--seed', '3'],
  ]).ended;
  const { delivery, published, problems } = lastLine(stdout) as Record<string, unknown>;
  expect(problems, stderr).toEqual([]);
  expect(code).toBe(0);
  expect(published).toBe(400);
  expect(delivery).toMatchObject({ missing: 0, twice: 0, outOfOrder: 0, outOfOrderDelayed: 0 });
});

test.each([
  [['--deliver-ordered'], '--deliver-ordered requires --deliver'],
  [['--deliver-rate', '5'], '--deliver-rate requires --deliver'],
])('%j alone is refused with the reason', async (flags, reason) => {
  const { code, stderr } = await switchboard(['local', ...flags]).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(reason);
});
