import { expect, test } from 'vitest';
import { lastLine, switchboard } from './child.ts';

const TIMEOUT_MS = 90_000;
/** Protocols other than the default, which `all-faults.test.ts` runs. */
const PROTOCOLS = ['analytics-events', 'conversation-stream', 'interaction-events', 'notification-stream'];

/** A run of a protocol. Returns the exit code and the result. */
async function run(protocol: string, flags: readonly string[]) {
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

test.each(PROTOCOLS)(
  'Without faults, every event of %s is published once',
  { timeout: TIMEOUT_MS },
  async (name) => {
    const { code, result, stderr } = await run(name, ['--events', '1000', '--rate', '1000']);
    expect(result, stderr).toMatchObject({ sent: 1_000, published: 1_000, uncovered: 0, gapRecords: 0 });
    expect(code).toBe(0);
  },
);

test.each(PROTOCOLS)(
  'With all faults, every event of %s is published once or lies in a gap record',
  { timeout: TIMEOUT_MS },
  async (name) => {
    const faults = ['--events', '6000', '--rate', '600', '--faults', 'all', '--seed', '4'];
    const { code, result, stderr } = await run(name, faults);
    expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, unexplained: 0, deadLettered: 0 });
    expect(result.published).toBe(result.sent);
    expect(code).toBe(0);
  },
);

test.each(PROTOCOLS)(
  'Connections of %s are replaced before their token expires',
  { timeout: TIMEOUT_MS },
  async (name) => {
    const life = ['--events', '3000', '--rate', '250', '--token-life', '10'];
    const { code, result, stderr } = await run(name, life);
    expect(result, stderr).toMatchObject({ sent: 3_000, published: 3_000, gapRecords: 0 });
    expect(code).toBe(0);
  },
);
