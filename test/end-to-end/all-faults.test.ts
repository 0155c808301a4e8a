import { expect, test } from 'vitest';
import { runProtocol } from './stream-protocol-run.ts';

test('A run with all faults exits with code 0: nothing lost, nothing twice, and every gap recorded with its topics', async () => {
  // Messages of killed invocations wait for their visibility timeout of 12 s, some of them twice.
  const flags = ['--events', '3000', '--rate', '1000', '--faults', 'all', '--seed', '7'];
  const { code, result, stderr } = await runProtocol('notification-channels', flags);
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, unexplained: 0, deadLettered: 0 });
  expect(result.duplicates).toBeGreaterThan(0);
  const faults = Object.values(result.faults as Record<string, number>);
  expect(faults.filter((count) => count > 0).length).toBeGreaterThan(3);
  expect(code).toBe(0);
});
