import { WEBHOOK_FAULT_KINDS } from 'switchboard-local/simulator/webhook-fault-kinds.ts';
import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';

const TIMEOUT_MS = 75_000;

function run(flags: readonly string[]) {
  return switchboard(['local', '--protocol', 'eventbridge-webhook', ...flags]).ended;
}

test('With all faults, every signed event is published once, and no other', {
  timeout: TIMEOUT_MS,
}, async () => {
  const faults = ['--events', '1000', '--rate', '1000', '--faults', 'all', '--seed', '3'];
  const { code, stdout, stderr } = await run([...faults, '--exit', '--json', '--log-level', 'debug']);
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

test.each<[string[], RegExp]>([
  [['--faults', 'socket_drop'], /--faults socket_drop: the protocol eventbridge-webhook has no such faults/],
  [['--faults', 'all,ingester_kill'], /ingester_kill: the protocol eventbridge-webhook has no such faults/],
  [['--replay', 'capture.jsonl'], /--replay requires --protocol notification-channels/],
  [['--protocol', 'carrier-pigeon'], /Allowed choices are notification-channels, .*eventbridge-webhook/],
])('The options %j are refused with the reason', async (flags, reason) => {
  const { code, stderr } = await run(flags);
  expect(code).toBe(1);
  expect(stderr).toMatch(reason);
});

test('A fault of webhook deliveries is refused for notification channels', async () => {
  const { code, stderr } = await switchboard(['local', '--faults', 'webhook_forged']).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('the protocol notification-channels has no such faults');
});
