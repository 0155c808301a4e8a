import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchLength, logLine } from '../../lib/aws/log-event-batch.ts';

const DAY_MS = 86_400_000;
const MAX_BYTES = 1_048_576;

describe('the limits of PutLogEvents', () => {
  test('A batch has at most 10,000 lines', () => {
    const lines = (count: number) => Array.from({ length: count }, () => logLine(0, 'x'));
    expect(batchLength(lines(10_000))).toBe(10_000);
    expect(batchLength(lines(10_001))).toBe(10_000);
  });

  test('A batch has at most 1 MiB of UTF-8, with 26 bytes per line', () => {
    const half = logLine(0, 'é'.repeat((MAX_BYTES / 2 - 26) / 2));
    expect(half.bytes).toBe(MAX_BYTES / 2);
    expect(batchLength([half, half])).toBe(2);
    expect(batchLength([half, half, logLine(0, '')])).toBe(2);
    expect(batchLength([half, logLine(0, `${half.message}x`)])).toBe(1);
  });

  test('A batch spans less than 24 hours, even if the clock was set back', () => {
    expect(batchLength([logLine(0, 'a'), logLine(DAY_MS - 1, 'b')])).toBe(2);
    expect(batchLength([logLine(0, 'a'), logLine(DAY_MS, 'b')])).toBe(1);
    expect(batchLength([logLine(DAY_MS, 'a'), logLine(1, 'b'), logLine(0, 'c')])).toBe(2);
  });

  test('A line that is too large for any batch gets its own batch', () => {
    const large = logLine(0, 'x'.repeat(MAX_BYTES));
    expect(batchLength([large])).toBe(1);
    expect(batchLength([logLine(0, 'x'), large])).toBe(1);
    expect(batchLength([])).toBe(0);
  });

  test('Over several batches, every line is taken once and every batch is within the limits', () => {
    const line = fc
      .tuple(fc.integer({ min: 0, max: 3 * DAY_MS }), fc.integer({ min: 0, max: 350_000 }))
      .map(([timestamp, length]) => logLine(timestamp, 'x'.repeat(length)));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        let rest = lines;
        while (rest.length > 0) {
          const batch = rest.slice(0, batchLength(rest));
          expect(batch.length).toBeGreaterThan(0);
          const times = batch.map(({ timestamp }) => timestamp);
          expect(Math.max(...times) - Math.min(...times)).toBeLessThan(DAY_MS);
          expect(batch.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MAX_BYTES);
          rest = rest.slice(batch.length);
        }
      }),
      { numRuns: 50 },
    );
  });
});
