import { expect, test } from 'vitest';
import { runProtocol } from './stream-protocol-run.ts';

/** Messages of killed invocations wait for their visibility timeout of 12 s, some of them twice. */
const TIMEOUT_MS = 75_000;

/** Runs with all faults. Returns the exit code and the result. */
function runWithAllFaults(flags: readonly string[] = []) {
  const faults = ['--events', '3000', '--rate', '1000', '--faults', 'all', '--seed', '7'];
  return runProtocol('notification-channels', [...faults, ...flags]);
}

test('With all faults, events that differ are published once, and copies of them arrive', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { result, stderr } = await runWithAllFaults(['--topics', 'v2.analytics.queues.{id}.observations']);
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, deadLettered: 0 });
  expect(result.published).toBe(result.sent);
  expect(result.received).toBeGreaterThan(Number(result.sent));
  expect(result.duplicates).toBeGreaterThan(0);
  const faults = Object.values(result.faults as Record<string, number>);
  expect(faults.filter((count) => count > 0).length).toBeGreaterThan(3);
});

test('A run with all faults exits with code 0: nothing lost, nothing twice, and every gap recorded with its topics', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { code, result, stderr } = await runWithAllFaults();
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, unexplained: 0, deadLettered: 0 });
  expect(result.duplicates).toBeGreaterThan(0);
  expect(code).toBe(0);
});
