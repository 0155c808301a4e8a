import { lastLine, switchboard } from './child.ts';

/** Protocols other than the default, which `all-faults.test.ts` runs. */
export const STREAM_PROTOCOLS = [
  'analytics-events',
  'conversation-stream',
  'interaction-events',
  'notification-stream',
];

/** A run of a protocol. Returns the exit code and the result. */
export async function runProtocol(protocol: string, flags: readonly string[]) {
  const { code, stdout, stderr } = await switchboard([
    'local',
    '--protocol',
    protocol,
    ...flags,
    '--exit',
    '--json',
    '--health-port',
    '0',
  ]).ended;
  return { code, result: lastLine(stdout), stderr };
}
