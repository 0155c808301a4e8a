import { expect, test } from 'vitest';
import { runProtocol, STREAM_PROTOCOLS } from './stream-protocol-run.ts';

test.each(STREAM_PROTOCOLS)('Without faults, every event of %s is published once', async (name) => {
  const { code, result, stderr, answers } = await runProtocol(name, ['--events', '1000', '--rate', '1000']);
  expect(result, stderr).toMatchObject({ sent: 1_000, published: 1_000, uncovered: 0, gapRecords: 0 });
  expect(code).toBe(0);
  expect(answers).toBeGreaterThan(0);
});
