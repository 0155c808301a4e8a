import { expect, test } from 'vitest';
import { switchboard } from './child.ts';
import { runProtocol, STREAM_PROTOCOLS } from './stream-protocol-run.ts';

const TIMEOUT_MS = 90_000;
const PROTOCOLS = ['notification-channels', 'eventbridge-webhook', ...STREAM_PROTOCOLS];

test('Every protocol runs side by side, and each of its events is published once', {
  timeout: TIMEOUT_MS,
}, async () => {
  const events = 200 * PROTOCOLS.length;
  const { code, result, stderr } = await runProtocol('all', ['--events', `${events}`, '--rate', `${events}`]);
  const sound = { lost: 0, publishedTwice: 0, wrongProtocol: 0, uncovered: 0, gapRecords: 0 };
  expect(result, stderr).toMatchObject({ ...sound, sent: events, published: events });
  const protocols = result.protocols as Record<string, Record<string, unknown>>;
  expect(Object.keys(protocols).sort()).toEqual(PROTOCOLS.sort());
  for (const [name, one] of Object.entries(protocols))
    expect(one, name).toMatchObject({ ...sound, sent: 200, published: 200, received: 200 });
  expect(code).toBe(0);
});

test('A token that is revoked is renewed by every protocol, and the result names each of them', {
  timeout: TIMEOUT_MS,
}, async () => {
  const flags = ['--protocol', 'all', '--events', '6000', '--rate', '1200', '--faults', 'token_expired'];
  const { code, stdout } = await switchboard(['local', ...flags, '--exit', '--health-port', '0']).ended;
  expect(stdout).toContain(
    'The fault token_expired is not injected into notification-channels, eventbridge-webhook',
  );
  // The columns after the name: sent, on the bus, lost, twice.
  for (const name of PROTOCOLS) expect(stdout).toMatch(new RegExp(`^  ${name} +\\d+ +\\d+ +0 +0 `, 'm'));
  expect(code).toBe(0);
});
