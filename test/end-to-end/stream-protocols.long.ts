import { expect, test } from 'vitest';
import { runProtocol, STREAM_PROTOCOLS } from './stream-protocol-run.ts';

const TIMEOUT_MS = 90_000;

test.each(STREAM_PROTOCOLS)(
  'With all faults, every event of %s is published once or lies in a gap record',
  { timeout: TIMEOUT_MS },
  async (name) => {
    const faults = ['--events', '6000', '--rate', '600', '--faults', 'all', '--seed', '4'];
    const { code, result, stderr, answers } = await runProtocol(name, faults);
    expect(result, stderr).toMatchObject({ lost: 0, publishedTwice: 0, unexplained: 0, deadLettered: 0 });
    expect(result.published).toBe(result.sent);
    expect(code).toBe(0);
    expect(answers).toBeGreaterThan(0);
  },
);

test.each(STREAM_PROTOCOLS)(
  'Connections of %s are replaced before their token expires',
  { timeout: TIMEOUT_MS },
  async (name) => {
    const life = ['--events', '3000', '--rate', '250', '--token-life', '10'];
    const { code, result, stderr, answers } = await runProtocol(name, life);
    expect(result, stderr).toMatchObject({ sent: 3_000, published: 3_000, gapRecords: 0 });
    expect(code).toBe(0);
    expect(answers).toBeGreaterThan(0);
  },
);
