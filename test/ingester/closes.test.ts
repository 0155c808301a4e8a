import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeRow } from '../../functions/ingester/protocols/close-codes.ts';
import { NOTIFICATION_CHANNELS_CLOSES as TABLE } from '../../functions/ingester/protocols/notification-channels-closes.ts';
import { CLOSE_ACTIONS, type CloseAction } from '../../functions/ingester/protocols/protocol.ts';

const CODES: Record<number, CloseAction> = {
  1000: 'reconnect',
  1001: 'reconnect',
  1002: 'reconnect',
  1003: 'reconnect',
  1005: 'reconnect',
  1006: 'reconnect',
  1007: 'reconnect',
  1008: 'reauthenticate',
  1009: 'reconnect',
  1011: 'reconnect',
  1012: 'reconnect',
  1013: 'reconnect',
  1014: 'reconnect',
  1015: 'reconnect',
};
const STATUSES: Record<number, CloseAction> = {
  400: 'replan',
  401: 'reauthenticate',
  403: 'reauthenticate',
  404: 'replan',
  410: 'replan',
  429: 'throttled',
  503: 'reconnect',
};

const byCode = (code: number) => closeRow(TABLE, { code, reason: '' });
const byStatus = (upgradeStatus: number, code = 1006) => closeRow(TABLE, { code, reason: '', upgradeStatus });

describe('the table of ends of a notification channel', () => {
  it('names exactly the codes and statuses that are expected', () => {
    expect(Object.keys(TABLE.codes).map(Number)).toEqual(Object.keys(CODES).map(Number));
    expect(Object.keys(TABLE.upgradeStatuses).map(Number)).toEqual(Object.keys(STATUSES).map(Number));
  });

  it.each(Object.entries(CODES))('%i: %s', (code, action) => {
    expect(byCode(Number(code)).action).toBe(action);
  });

  it.each(Object.entries(STATUSES))('upgrade refused with %i: %s', (status, action) => {
    expect(byStatus(Number(status)).action).toBe(action);
  });

  it('goes by the status of a refused upgrade, whatever the code', () => {
    expect(byStatus(401, 1000)).toBe(TABLE.upgradeStatuses[401]);
    expect(byStatus(500, 1008)).toBe(TABLE.otherStatus);
  });

  it.each([999, 1004, 1010, 3000, 4001, 4999])(
    'has an answer to the unknown code %i: a fresh channel',
    (code) => {
      expect(byCode(code)).toBe(TABLE.otherCode);
      expect(byCode(code).action).toBe('replan');
    },
  );

  it.each([302, 402, 500, 502, 504])(
    'has an answer to the unknown status %i: the same channel again',
    (status) => {
      expect(byStatus(status)).toBe(TABLE.otherStatus);
      expect(byStatus(status).action).toBe('reconnect');
    },
  );

  it('never ends a subscription: no end that the server causes is a reason to stop', () => {
    const rows = [...Object.values(TABLE.codes), ...Object.values(TABLE.upgradeStatuses)];
    expect(rows.map(({ action }) => action)).not.toContain('stop');
  });

  it('is total', () => {
    fc.assert(
      fc.property(fc.integer(), fc.option(fc.integer(), { nil: undefined }), (code, upgradeStatus) => {
        const cause = { code, reason: 'x', ...(upgradeStatus === undefined ? {} : { upgradeStatus }) };
        const row = closeRow(TABLE, cause);
        expect(CLOSE_ACTIONS).toContain(row.action);
        expect(row.meaning).not.toBe('');
      }),
    );
  });
});
