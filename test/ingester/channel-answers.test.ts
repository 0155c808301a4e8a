import { describe, expect, test } from 'vitest';
import {
  readChannel,
  readTopicOutcomes,
} from '../../functions/ingester/protocols/notification-channels/channel-answers.ts';

const API = 'https://api.mypurecloud.com';
const channel = (connectUri: string) => ({ id: 'c-000001', connectUri, expires: '2030-01-01T00:00:00Z' });

describe('the address of a channel', () => {
  test.each([
    ['wss://streaming.mypurecloud.com/channels/c-000001', API],
    ['wss://streaming.a.b.mypurecloud.com/channels/c-000001', API],
    ['wss://mypurecloud.com/channels/c-000001', API],
    ['wss://streaming.cac1.pure.cloud/channels/c-000001', 'https://api.cac1.pure.cloud'],
    ['wss://127.0.0.1:8443/channels/c-000001', 'https://127.0.0.1:9000'],
    ['ws://127.0.0.1:8080/channels/c-000001', 'http://127.0.0.1:8080'],
    ['ws://localhost:8080/channels/c-000001', 'http://localhost:9000'],
  ])('The address %s is accepted with the API %s', (connectUri, apiUrl) => {
    expect(readChannel(channel(connectUri), apiUrl).connectUri).toBe(connectUri);
  });

  test.each([
    ['wss://streaming.evil.example/channels/c-000001', API],
    ['wss://mypurecloud.com.evil.example/channels/c-000001', API],
    ['wss://evilmypurecloud.com/channels/c-000001', API],
    ['wss://mypurecloud.com@evil.example/channels/c-000001', API],
    ['wss://streaming.mypurecloud.de/channels/c-000001', API],
    ['wss://streaming.usw2.pure.cloud/channels/c-000001', 'https://api.cac1.pure.cloud'],
    ['ws://127.0.0.2:8080/channels/c-000001', 'http://127.0.0.1:8080'],
  ])('The address %s is refused with the API %s, because it is in another domain', (connectUri, apiUrl) => {
    expect(() => readChannel(channel(connectUri), apiUrl)).toThrow(/an address outside of/);
  });

  test('An unencrypted address is refused if the API is encrypted', () => {
    const connectUri = 'ws://streaming.mypurecloud.com/channels/c-000001';
    expect(() => readChannel(channel(connectUri), API)).toThrow(/an address that is not encrypted/);
  });

  test.each([
    [{}],
    [channel('https://streaming.mypurecloud.com/channels/c-000001')],
    [{ ...channel('wss://streaming.evil.example/channels/c-000001') }],
    [{ ...channel('wss://streaming.mypurecloud.com/c-000001'), expires: 'never' }],
    [undefined],
  ])('The refusal of the response %j is temporary and does not quote the channel', (answer) => {
    let error: unknown;
    try {
      readChannel(answer, API);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'unexpected_answer', retriable: true });
    expect(String(error)).not.toContain('c-000001');
    expect(String(error)).not.toContain('evil');
  });
});

describe('the outcomes of topics', () => {
  test('A topic is permitted according to its state, or if the response contains no state', () => {
    const outcomes = readTopicOutcomes({ entities: [{ id: 'a', state: 'Permitted' }, { id: 'b' }] });
    expect([...outcomes]).toEqual([
      ['a', undefined],
      ['b', undefined],
    ]);
  });

  test('A rejected topic has its reason in either form, or else its state', () => {
    const outcomes = readTopicOutcomes({
      entities: [
        { id: 'a', state: 'Rejected', rejectionReason: 'new' },
        { id: 'b', state: 'Rejected', rejectReason: 'old' },
        { id: 'c', state: 'Unknown' },
      ],
    });
    expect(Object.fromEntries(outcomes)).toEqual({ a: 'new', b: 'old', c: 'Unknown' });
  });

  test.each([[{}], [{ entities: [{ state: 'Permitted' }] }], [undefined], [[]]])(
    'The response %j has no outcomes and is a temporary error',
    (answer) => {
      expect(() => readTopicOutcomes(answer)).toThrow(
        expect.objectContaining({ code: 'unexpected_answer', retriable: true }),
      );
    },
  );
});
