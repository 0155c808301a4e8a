import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';

/** Messages of killed invocations wait for their visibility timeout of 12 s, some of them twice. */
const TIMEOUT_MS = 75_000;

test('A run with all faults loses no event, publishes no event twice, and exits with code 0', {
  timeout: TIMEOUT_MS,
}, async () => {
  const flags = ['--events', '3000', '--rate', '1000', '--faults', 'all', '--seed', '7'];
  const { code, stdout, stderr } = await switchboard([
    'local',
    ...flags,
    '--exit',
    '--json',
    '--health-port',
    '0',
  ]).ended;
  const result = lastLine(stdout);
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, deadLettered: 0 });
  expect(code).toBe(0);
  expect(result.published).toBe(result.sent);
  const faults = Object.values(result.faults as Record<string, number>);
  expect(faults.filter((count) => count > 0).length).toBeGreaterThan(3);
});
