import { expect, test } from 'vitest';
import { switchboard } from './child.ts';

function run(flags: readonly string[]) {
  return switchboard(['local', '--protocol', 'eventbridge-webhook', ...flags]).ended;
}

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
