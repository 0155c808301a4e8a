import { expect, test } from 'vitest';
import { switchboard } from './child.ts';

test.each<[string[], RegExp]>([
  [
    ['--protocol', 'conversation-stream', '--faults', 'all,quota_reached'],
    /quota_reached: the protocol conv/,
  ],
  [['--protocol', 'analytics-events', '--faults', 'socket_drop,eviction'], /--faults eviction: the protocol/],
  [['--protocol', 'all', '--events', '3'], /--events 3: --protocol all runs \d protocols/],
  [['--protocol', 'all', '--replay', 'capture.jsonl'], /--replay requires --protocol notification-channels/],
])('The options %j are refused with the reason', async (flags, reason) => {
  const { code, stderr } = await switchboard(['local', ...flags]).ended;
  expect(stderr).toMatch(reason);
  expect(code).toBe(1);
});
