import { describe, expect, test } from 'vitest';
import {
  type EndTable,
  endOf,
  endOfFailure,
  type Recovery,
} from '../../functions/ingester/protocols/end-table.ts';
import { GenesysError, type GenesysErrorCode } from '../../lib/genesys/genesys-error.ts';

const TABLE: EndTable = {
  reasons: [
    [/expired/, { recovery: 'reauthenticate', meaning: 'the token has expired' }],
    [/session (?:gone|expired)/, { recovery: 'restart', meaning: 'the session does not exist' }],
  ],
  codes: {
    1006: { recovery: 'resume', meaning: 'lost' },
    4003: { recovery: 'stop', meaning: 'forbidden' },
  },
  otherCode: { recovery: 'restart', meaning: 'unknown code' },
  statuses: { 429: { recovery: 'resume', meaning: 'too many requests', throttled: true } },
  otherStatus: { recovery: 'reauthenticate', meaning: 'unknown status' },
};

describe('endOf', () => {
  test('A listed close code leads to its row', () => {
    expect(endOf(TABLE, { code: 4003, reason: '' })).toBe(TABLE.codes[4003]);
  });

  test('A close code that is not listed leads to the row for other codes', () => {
    expect(endOf(TABLE, { code: 4711, reason: '' })).toBe(TABLE.otherCode);
  });

  test('A listed upgrade status leads to its row, regardless of the close code', () => {
    expect(endOf(TABLE, { code: 4003, reason: '', upgradeStatus: 429 })).toBe(TABLE.statuses[429]);
  });

  test('An upgrade status that is not listed leads to the row for other statuses', () => {
    expect(endOf(TABLE, { code: 1006, reason: '', upgradeStatus: 418 })).toBe(TABLE.otherStatus);
  });

  test('A close reason takes precedence over the close code', () => {
    expect(endOf(TABLE, { code: 4003, reason: 'token expired' })).toBe(TABLE.reasons?.[0]?.[1]);
  });

  test('A close reason takes precedence over the upgrade status', () => {
    expect(endOf(TABLE, { code: 1006, reason: 'session gone', upgradeStatus: 429 })).toBe(
      TABLE.reasons?.[1]?.[1],
    );
  });

  test('The first close reason that matches is used', () => {
    expect(endOf(TABLE, { code: 1006, reason: 'session expired' })).toBe(TABLE.reasons?.[0]?.[1]);
  });

  test('A close reason that matches no pattern leads to the row of the code', () => {
    expect(endOf(TABLE, { code: 1006, reason: 'bye' })).toBe(TABLE.codes[1006]);
  });

  test('A table without reasons ignores the close reason', () => {
    const { reasons: _, ...table } = TABLE;
    expect(endOf(table, { code: 1006, reason: 'token expired' })).toBe(TABLE.codes[1006]);
  });
});

describe('endOfFailure', () => {
  const RECOVERIES: Readonly<Record<GenesysErrorCode, { retriable: Recovery; permanent: Recovery }>> = {
    rate_limited: { retriable: 'resume', permanent: 'resume' },
    unauthorized: { retriable: 'reauthenticate', permanent: 'reauthenticate' },
    not_found: { retriable: 'restart', permanent: 'restart' },
    no_subscription: { retriable: 'stop', permanent: 'stop' },
    unknown_client: { retriable: 'resume', permanent: 'stop' },
    wrong_secret: { retriable: 'resume', permanent: 'stop' },
    repeated_client: { retriable: 'resume', permanent: 'stop' },
    missing_permission: { retriable: 'resume', permanent: 'stop' },
    refused: { retriable: 'resume', permanent: 'stop' },
    unreachable: { retriable: 'resume', permanent: 'stop' },
    unavailable: { retriable: 'resume', permanent: 'stop' },
    unexpected_answer: { retriable: 'resume', permanent: 'stop' },
  };
  const codes = Object.keys(RECOVERIES) as GenesysErrorCode[];
  const failure = (code: GenesysErrorCode, retriable: boolean) =>
    endOfFailure(new GenesysError(code, 'no', { retriable }));

  test.each(codes)('The retriable error %s has its recovery', (code) => {
    expect(failure(code, true).recovery).toBe(RECOVERIES[code].retriable);
  });

  test.each(codes)('The permanent error %s has its recovery', (code) => {
    expect(failure(code, false).recovery).toBe(RECOVERIES[code].permanent);
  });

  test.each(codes)('The end of the error %s is throttled only when the rate is limited', (code) => {
    expect(failure(code, true).throttled === true).toBe(code === 'rate_limited');
  });

  test('Every failure has a meaning in words, which logs and gaps show as the reason', () => {
    const ends = codes.flatMap((code) => [failure(code, true), failure(code, false)]);
    for (const { meaning } of ends) expect(meaning).toMatch(/^[a-z].*[a-z]{3}/i);
  });

  test.each([new Error('x'), 'text', undefined])('The unknown failure %s is temporary', (error) => {
    expect(endOfFailure(error).recovery).toBe('resume');
  });

  test('Two failures of the same kind have the same row, so that repeated ends can be counted', () => {
    expect(failure('refused', false)).toBe(failure('wrong_secret', false));
    expect(failure('not_found', true)).toBe(failure('not_found', false));
  });
});
