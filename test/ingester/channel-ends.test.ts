import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type End, endOf, type Recovery } from '../../functions/ingester/protocols/end-table.ts';
import { CHANNEL_ENDS as TABLE } from '../../functions/ingester/protocols/notification-channels/channel-ends.ts';

const CODES: Readonly<Record<number, Recovery>> = {
  1000: 'resume',
  1001: 'resume',
  1002: 'resume',
  1003: 'resume',
  1005: 'resume',
  1006: 'resume',
  1007: 'resume',
  1008: 'reauthenticate',
  1009: 'resume',
  1011: 'resume',
  1012: 'resume',
  1013: 'resume',
  1014: 'resume',
  1015: 'resume',
};
const STATUSES: Readonly<Record<number, Recovery>> = {
  400: 'restart',
  401: 'reauthenticate',
  403: 'reauthenticate',
  404: 'restart',
  410: 'restart',
  429: 'resume',
  503: 'resume',
};

const byCode = (code: number) => endOf(TABLE, { code, reason: '' });
const byStatus = (upgradeStatus: number, code = 1006) => endOf(TABLE, { code, reason: '', upgradeStatus });
const rows: readonly End[] = [
  ...Object.values(TABLE.codes),
  ...Object.values(TABLE.statuses),
  TABLE.otherCode,
  TABLE.otherStatus,
];

describe('the ends of a notification channel', () => {
  test('Every end has a meaning in words, which logs and gaps show as the reason', () => {
    for (const { meaning } of rows) expect(meaning).toMatch(/^[a-z\d].*[a-z]{3}/i);
  });

  test('The table lists exactly the expected close codes', () => {
    expect(Object.keys(TABLE.codes).map(Number)).toEqual(Object.keys(CODES).map(Number));
  });

  test('The table lists exactly the expected upgrade statuses', () => {
    expect(Object.keys(TABLE.statuses).map(Number)).toEqual(Object.keys(STATUSES).map(Number));
  });

  test.each(Object.entries(CODES))('Close code %i leads to the recovery %s', (code, recovery) => {
    expect(byCode(Number(code)).recovery).toBe(recovery);
  });

  test.each(Object.entries(STATUSES))('Upgrade status %i leads to the recovery %s', (status, recovery) => {
    expect(byStatus(Number(status)).recovery).toBe(recovery);
  });

  test('Only upgrade status 429 is throttled', () => {
    expect(byStatus(429).throttled).toBe(true);
    expect(rows.filter(({ throttled }) => throttled)).toEqual([byStatus(429)]);
  });

  test('The status of a refused upgrade takes precedence over the close code', () => {
    expect(byStatus(401, 1000)).toBe(TABLE.statuses[401]);
    expect(byStatus(500, 1008)).toBe(TABLE.otherStatus);
  });

  test.each([999, 1004, 1010, 3000, 4001, 4999])(
    'The unknown close code %i leads to a new channel',
    (code) => {
      expect(byCode(code)).toBe(TABLE.otherCode);
      expect(byCode(code).recovery).toBe('restart');
    },
  );

  test.each([302, 402, 500, 502, 504])(
    'The unknown upgrade status %i leads to the same channel',
    (status) => {
      expect(byStatus(status)).toBe(TABLE.otherStatus);
      expect(byStatus(status).recovery).toBe('resume');
    },
  );

  test('No end that the server causes stops the subscription', () => {
    expect(rows.map(({ recovery }) => recovery)).not.toContain('stop');
  });

  test('No end limits how often it may occur in a row', () => {
    expect(rows.filter(({ maxInARow }) => maxInARow !== undefined)).toEqual([]);
  });

  test('Every cause leads to a row with a recovery and a meaning', () => {
    fc.assert(
      fc.property(fc.integer(), fc.option(fc.integer(), { nil: undefined }), (code, upgradeStatus) => {
        const cause = { code, reason: 'x', ...(upgradeStatus === undefined ? {} : { upgradeStatus }) };
        const { recovery, meaning } = endOf(TABLE, cause);
        expect(['resume', 'restart', 'reauthenticate', 'stop']).toContain(recovery);
        expect(meaning).not.toBe('');
      }),
    );
  });
});
