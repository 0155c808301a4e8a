import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';

/** What is killed and what comes twice waits for its visibility timeout of 12 s, some of it twice. */
const LIMIT_MS = 75_000;

test('a run with every fault loses nothing, doubles nothing, and ends with code 0', {
  timeout: LIMIT_MS,
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
