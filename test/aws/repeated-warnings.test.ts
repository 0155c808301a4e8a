import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_COUNTED, REPORT_EVERY_MS, RepeatedWarnings } from '../../lib/aws/repeated-warnings.ts';

let lines: unknown[][];
let log: RepeatedWarnings;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const write =
    (level: string) =>
    (...line: unknown[]) =>
      lines.push([level, ...line]);
  log = new RepeatedWarnings({
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  });
});
afterEach(() => {
  log.close();
  vi.useRealTimers();
});

describe('repeated warnings', () => {
  test('An identical warning is written once, and a minute later how often it was repeated', () => {
    for (let attempt = 1; attempt <= 10; attempt++) log.warn('not sent', { attempt, reason: 'no region' });
    expect(lines).toEqual([['warn', 'not sent', { attempt: 1, reason: 'no region' }]]);
    vi.advanceTimersByTime(REPORT_EVERY_MS);
    expect(lines.slice(1)).toEqual([
      ['warn', 'not sent', { attempt: 10, reason: 'no region' }, { repeated: 9 }],
    ]);
  });

  test('A warning that was not repeated is not reported again', () => {
    log.warn('once');
    vi.advanceTimersByTime(3 * REPORT_EVERY_MS);
    expect(lines).toHaveLength(1);
  });

  test('A warning that continues is written at once in the next minute', () => {
    log.warn('again');
    vi.advanceTimersByTime(REPORT_EVERY_MS);
    log.warn('again');
    expect(lines).toHaveLength(2);
  });

  test.each([
    ['another message', () => log.warn('two', { reason: 'a' })],
    ['another text', () => log.warn('one', { reason: 'b' })],
    ['another level', () => log.error('one', { reason: 'a' })],
    ['another error', () => log.warn('one', { reason: 'a', error: new Error('b') })],
  ])('A line with %s is written', (_what, write) => {
    log.warn('one', { reason: 'a' });
    write();
    expect(lines).toHaveLength(2);
  });

  test('Errors with the same message are counted', () => {
    for (let times = 3; times > 0; times--) log.error('failed', { error: new Error('no answer') });
    expect(lines).toHaveLength(1);
    log.close();
    expect(lines[1]?.at(-1)).toEqual({ repeated: 2 });
  });

  test('Information is written each time', () => {
    for (const write of [log.info, log.debug])
      for (let times = 2; times > 0; times--) write.call(log, 'same');
    expect(lines).toHaveLength(4);
  });

  test('A line that cannot be serialized as JSON is counted by its message', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (let times = 2; times > 0; times--) log.warn('a cycle', cycle);
    expect(lines).toHaveLength(1);
  });

  test('With too many different warnings, all further ones are written', () => {
    for (let n = 0; n < MAX_COUNTED + 10; n++)
      for (let times = 2; times > 0; times--) log.warn(`${'x'.repeat(n)}`);
    expect(lines).toHaveLength(MAX_COUNTED + 20);
  });
});
