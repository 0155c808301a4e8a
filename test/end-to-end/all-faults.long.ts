import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';
import { runProtocol } from './stream-protocol-run.ts';

const TIMEOUT_MS = 120_000;

test('A run with all faults exits with code 0: nothing lost, nothing twice, and every gap recorded with its topics', {
  timeout: TIMEOUT_MS,
}, async () => {
  // Messages of killed invocations wait for their visibility timeout of 12 s, some of them twice.
  const flags = ['--events', '3000', '--rate', '1000', '--faults', 'all', '--seed', '7'];
  const { code, result, stderr } = await runProtocol('notification-channels', flags);
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, unexplained: 0, deadLettered: 0 });
  expect(result.duplicates).toBeGreaterThan(0);
  const faults = Object.values(result.faults as Record<string, number>);
  expect(faults.filter((count) => count > 0).length).toBeGreaterThan(3);
  expect(code).toBe(0);
});

test('With all faults, events that differ are published once, and copies of them arrive', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults = ['--events', '3000', '--rate', '1000', '--faults', 'all', '--seed', '7'];
  const topics = ['--topics', 'v2.analytics.queues.{id}.observations'];
  const { result, stderr } = await runProtocol('notification-channels', [...faults, ...topics]);
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, deadLettered: 0 });
  expect(result.published).toBe(result.sent);
  expect(result.received).toBeGreaterThan(Number(result.sent));
  expect(result.duplicates).toBeGreaterThan(0);
});

test('Large events of a run reach the bus by their objects, and none is lost', {
  timeout: TIMEOUT_MS,
}, async () => {
  const flags = '--events 2000 --rate 2000 --faults large_event --seed 1 --exit --json --health-port 0';
  const { code, stdout } = await switchboard(['local', ...flags.split(' ')]).ended;
  const result = lastLine(stdout) as { sent: number; faults: Record<string, number> };
  expect(result.faults.large_event).toBeGreaterThan(0);
  expect(result).toMatchObject({ lost: 0, published: result.sent, unexplained: 0 });
  expect(code).toBe(0);
});
