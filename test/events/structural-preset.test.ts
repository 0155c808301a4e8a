import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { type ContentRedactionOptions, contentRules } from '../../lib/events/content-rules.ts';
import { jsonBody } from './json.ts';

const left = (eventBody: Record<string, unknown>, more: ContentRedactionOptions = {}): unknown =>
  new ContentRedaction(contentRules({ preset: 'structural', ...more })).frame({ topicName: 't', eventBody })
    .eventBody;

describe('structural', () => {
  test('A conversation keeps ids, purposes, states and times, and loses names, addresses and attributes', () => {
    const conversation = {
      id: '2f7bf00a-0fc2-4d6a-9b56-92238191433e',
      maxParticipants: 2,
      address: 'tel:+15550100123',
      participants: [
        {
          id: 'p1',
          purpose: 'customer',
          role: 'caller',
          name: 'Jane Doe',
          address: 'tel:+15550100123',
          attributes: { id: 'account-7', state: 'vip' },
          wrapup: { code: 'ININ-WRAP-UP-TIMEOUT', notes: 'call her back', durationSeconds: 7 },
          calls: [
            {
              id: 's1',
              state: 'connected',
              held: false,
              connectedTime: '2026-11-20T09:30:45.013Z',
              self: { name: 'Jane', addressNormalized: '+1' },
              disconnectReasons: [{ type: 'q850', code: '16', phrase: 'Jane hung up' }],
              uuiData: 'x',
            },
          ],
        },
      ],
    };
    expect(left(conversation)).toEqual({
      id: '2f7bf00a-0fc2-4d6a-9b56-92238191433e',
      maxParticipants: 2,
      participants: [
        {
          id: 'p1',
          purpose: 'customer',
          role: 'caller',
          wrapup: { code: 'ININ-WRAP-UP-TIMEOUT', durationSeconds: 7 },
          calls: [
            {
              id: 's1',
              state: 'connected',
              held: false,
              connectedTime: '2026-11-20T09:30:45.013Z',
              disconnectReasons: [{ type: 'q850', code: '16' }],
            },
          ],
        },
      ],
    });
  });

  test.each<[string, unknown, boolean]>([
    ['id', 'a_b-1', true],
    ['id', 'jane@example.com', false],
    ['id', 'Jane Doe', false],
    ['id', `a${'b'.repeat(128)}`, false],
    ['id', { id: 'x' }, false],
    ['id', 15550100123, false],
    ['conversationId', null, true],
    ['state', 'CONNECTED', true],
    ['flowVersion', '7.0', true],
    ['state', 'she is angry', false],
    ['state', `${'x'.repeat(65)}`, false],
    ['state', 5, false],
    ['eventTime', 1649237504949, true],
    ['eventTime', '2026-11-20T09:30:45.013+01:00', true],
    ['startDate', '2026-11-20', true],
    ['startDate', '2026-11-20', true],
    ['interval', '2026-11-20T09:00:00.000Z/2026-11-20T10:00:00.000Z', true],
    ['interval', '2026-11-20T09:00:00.000Z/Jane', false],
    ['eventTime', 'call +15550100123', false],
    ['eventTime', true, false],
    ['muted', true, true],
    ['value', 12.5, true],
    ['value', 'Jane', false],
    ['value', null, true],
    ['requestedRoutingSkillIds', ['a', 'b'], true],
    ['requestedRoutingSkillIds', [], true],
    ['recentTransfers', [], true],
    ['participants', 'Jane', false],
    ['callbackNumbers', ['+15550100123'], false],
    ['callbackNumbers', [], false],
    ['name', null, false],
    ['customerData', { id: 'x' }, false],
  ])('%s: %j leaves: %s', (name, value, leaves) => {
    expect(left({ [name]: value })).toEqual(leaves ? { [name]: value } : {});
  });

  test('Only elements of the expected form are kept', () => {
    expect(left({ activeQueueIds: ['q1', 'Jane Doe'], participants: ['Jane', { id: 'p1' }] })).toEqual({
      activeQueueIds: ['q1'],
      participants: [{ id: 'p1' }],
    });
  });

  test('A number with many digits leaves where figures do', () => {
    const eventBody = JSON.parse('{}') as Record<string, unknown>;
    expect(left({ ...eventBody, value: 2 ** 60 })).toEqual({ value: 2 ** 60 });
  });

  test('No string is kept under a name that is not listed', () => {
    fc.assert(
      fc.property(jsonBody(), (eventBody) => {
        expect(left({ customer: eventBody })).toEqual({});
      }),
    );
  });

  test('Paths keep, hash and mask what the preset drops', () => {
    const eventBody = {
      provider: 'PureCloud Messaging',
      participants: [{ id: 'p1', name: 'Jane', attributes: { language: 'en', name: 'Jane', id: 'a' } }],
      ani: '+1 555 010-0123',
    };
    expect(
      left(eventBody, { keep: ['provider', 'participants.*.attributes.language'], mask: ['**.ani'] }),
    ).toEqual({
      provider: 'PureCloud Messaging',
      participants: [{ id: 'p1', attributes: { language: 'en' } }],
      ani: '+* *** ***-**23',
    });
    expect(left(eventBody, { keep: ['participants'], drop: ['**.name'] })).toEqual({
      participants: [{ id: 'p1', attributes: { language: 'en', id: 'a' } }],
    });
  });

  test('A kept path below dropped members adds nothing where it leads nowhere', () => {
    expect(left({ a: { b: 1 }, c: [{ d: 1 }] }, { keep: ['a.x', 'c.*.x'] })).toEqual({});
  });
});
