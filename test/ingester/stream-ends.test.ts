import { describe, expect, test } from 'vitest';
import {
  ANALYTICS_ENDS,
  type AnalyticsErrorCode,
  endOfError,
} from '../../functions/ingester/protocols/analytics-events/analytics-ends.ts';
import { CONVERSATION_ENDS } from '../../functions/ingester/protocols/conversation-stream/conversation-ends.ts';
import { type EndTable, endOf, type Recovery } from '../../functions/ingester/protocols/end-table.ts';
import { INTERACTION_ENDS } from '../../functions/ingester/protocols/interaction-events/interaction-ends.ts';
import { NOTIFICATION_ENDS } from '../../functions/ingester/protocols/notification-stream/notification-ends.ts';
import { PROTOCOLS } from '../../functions/ingester/protocols/registry.ts';

/** Close codes of RFC 6455 (and the IANA registry) that a connection can end with. */
const STANDARD: Readonly<Record<number, Recovery>> = {
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
/** Statuses of an upgrade that carries the token. */
const UPGRADE: Readonly<Record<number, Recovery>> = {
  401: 'reauthenticate',
  403: 'reauthenticate',
  429: 'resume',
  503: 'resume',
};

interface Expected {
  readonly table: EndTable;
  readonly codes: Readonly<Record<number, Recovery>>;
  readonly statuses: Readonly<Record<number, Recovery>>;
  readonly reasons: Readonly<Record<string, Recovery>>;
  /** Codes and statuses after which the server is given time. */
  readonly throttled: readonly number[];
  /** Codes that may come so many times in a row. */
  readonly inARow: Readonly<Record<number, number>>;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  'analytics-events': {
    table: ANALYTICS_ENDS,
    codes: STANDARD,
    statuses: { 429: 'resume' },
    reasons: {},
    throttled: [429],
    inARow: {},
  },
  'conversation-stream': {
    table: CONVERSATION_ENDS,
    codes: { ...STANDARD, 4001: 'reauthenticate' },
    statuses: UPGRADE,
    reasons: {},
    throttled: [429],
    inARow: {},
  },
  'interaction-events': {
    table: INTERACTION_ENDS,
    codes: { ...STANDARD, 4001: 'reauthenticate', 4003: 'reauthenticate' },
    statuses: UPGRADE,
    reasons: {},
    throttled: [429],
    inARow: { 4003: 1 },
  },
  'notification-stream': {
    table: NOTIFICATION_ENDS,
    codes: { ...STANDARD, 4001: 'reauthenticate', 4400: 'restart', 4429: 'resume' },
    statuses: { ...UPGRADE, 400: 'restart' },
    reasons: {
      'Invalid subscription: q1': 'restart',
      'Unknown lastEventId': 'restart',
      'status 429': 'resume',
    },
    throttled: [429, 4429],
    inARow: {},
  },
};

test('Every stream protocol but notification-channels is here, with the table that it uses', () => {
  const others = PROTOCOLS.filter(({ name }) => name !== 'notification-channels');
  expect(others.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
  for (const { name, ends } of others) expect(ends).toBe(EXPECTED[name]?.table);
});

describe.each(Object.entries(EXPECTED))('%s', (_, { table, codes, statuses, reasons, throttled, inARow }) => {
  const recoveries = (rows: EndTable['codes']) =>
    Object.fromEntries(Object.entries(rows).map(([key, { recovery }]) => [key, recovery]));
  const rows = { ...table.codes, ...table.statuses };

  test('Its table has exactly these close codes and statuses', () => {
    expect(recoveries(table.codes)).toEqual(codes);
    expect(recoveries(table.statuses)).toEqual(statuses);
  });

  test('A reason is more specific than the code', () => {
    expect(table.reasons ?? []).toHaveLength(Object.keys(reasons).length);
    for (const [reason, recovery] of Object.entries(reasons))
      expect(endOf(table, { code: 1008, reason })).toMatchObject({ recovery });
  });

  test('It waits before reconnecting only after these ends', () => {
    const found = Object.entries(rows).filter(([, { throttled }]) => throttled);
    expect(found.map(([key]) => Number(key))).toEqual(throttled);
  });

  test('It limits how often these ends occur in a row', () => {
    const found = Object.entries(rows).flatMap(([key, { maxInARow }]) =>
      maxInARow === undefined ? [] : [[key, maxInARow]],
    );
    expect(Object.fromEntries(found)).toEqual(inARow);
  });

  test('Unlisted ends are retried, and every row describes in words what happened', () => {
    expect(endOf(table, { code: 4_321, reason: '' })).toMatchObject({ recovery: 'resume' });
    expect(endOf(table, { code: 1006, reason: '', upgradeStatus: 418 })).toMatchObject({
      recovery: 'resume',
    });
    const all = [...Object.values(rows), table.otherCode, table.otherStatus];
    for (const { meaning } of all) expect(meaning).toMatch(/^[a-z].*[a-z]{3}/i);
  });
});

describe('error messages of analytics-events', () => {
  const ERRORS: Readonly<Record<AnalyticsErrorCode, object>> = {
    400: { recovery: 'stop', meaning: 'the filter is invalid: check ANALYTICS_FILTERS' },
    401: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
    403: { recovery: 'resume', meaning: 'the quota of subscriptions is used up', throttled: true },
  };

  test.each(Object.entries(ERRORS))('The code %s has its end', (code, end) => {
    expect(endOfError(code)).toEqual(end);
  });

  test.each(['500', '', 'constructor'])('Another code (%s) is an error of the server', (code) => {
    expect(endOfError(code)).toEqual({ recovery: 'resume', meaning: 'the server reports an error' });
  });
});
