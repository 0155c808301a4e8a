import { NATIVE_FAULT_KINDS } from 'switchboard-local/simulator/native-fault-kinds.ts';
import { WEBHOOK_FAULT_KINDS } from 'switchboard-local/simulator/webhook-fault-kinds.ts';
import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';

const TIMEOUT_MS = 75_000;

test('With all faults of the webhook, every signed event is published once, and no other', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults = [
    'local',
    '--protocol',
    'eventbridge-webhook',
    '--events',
    '1000',
    '--rate',
    '1000',
    '--faults',
    'all',
    '--seed',
    '3',
  ];
  const { code, stdout, stderr } = await switchboard([...faults, '--exit', '--json', '--log-level', 'debug'])
    .ended;
  const result = lastLine(stdout);
  expect(result, stderr).toMatchObject({
    sent: 1_000,
    published: 1_000,
    lost: 0,
    publishedTwice: 0,
    uncovered: 0,
    deadLettered: 0,
    quarantined: 0,
  });
  expect(result.duplicates).toBeGreaterThan(0);
  const counts = result.faults as Record<string, number>;
  for (const kind of WEBHOOK_FAULT_KINDS) expect(counts[kind], kind).toBeGreaterThan(0);
  expect(code).toBe(0);
});

test('With all faults of both paths, each event is published once', { timeout: TIMEOUT_MS }, async () => {
  const flags = ['--events', '2000', '--rate', '1000', '--faults', 'all', '--seed', '3'];
  const { code, stdout, stderr } = await switchboard([
    'local',
    '--protocol',
    'native-integration',
    ...flags,
    '--exit',
    '--json',
  ]).ended;
  const result = lastLine(stdout);
  expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, unexplained: 0, deadLettered: 0 });
  expect(result.duplicates).toBeGreaterThan(0);
  const counts = result.faults as Record<string, number>;
  const [repeat, delay] = NATIVE_FAULT_KINDS;
  for (const kind of [repeat, delay, 'duplicate_event'])
    expect(counts[kind as string], kind).toBeGreaterThan(0);
  expect(code).toBe(0);
});
