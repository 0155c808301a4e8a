import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { ConfigError, readConfig } from '../../functions/ingester/ingester-config.ts';
import { notificationChannels } from '../../functions/ingester/protocols/notification-channels/notification-channels.ts';
import { GENESYS_DOMAINS } from '../../lib/genesys/regions.ts';

const GOOD = {
  GENESYS_DOMAIN: 'mypurecloud.de',
  GENESYS_CLIENT_ID: 'id',
  GENESYS_CLIENT_SECRET: 'secret',
  TOPICS: 'v2.users.{id}.presence, v2.routing.queues.{id}.conversations',
  EVENTS_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/123456789012/events',
};

function problemsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a valid environment', () => {
  test('A valid environment is read with defaults', () => {
    expect(readConfig({ ...GOOD, STATE_TABLE: '' })).toEqual({
      apiUrl: 'https://api.mypurecloud.de',
      loginUrl: 'https://login.mypurecloud.de',
      credentials: { clientId: 'id', clientSecret: 'secret' },
      protocols: [
        {
          protocol: notificationChannels,
          configuration: {
            TOPICS: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
            CHANNELS: 10,
            TOPIC_REFRESH_SECONDS: 300,
          },
        },
      ],
      subscriptionSet: 'default',
      eventsQueueUrl: GOOD.EVENTS_QUEUE_URL,
      tasks: 1,
      stateTable: undefined,
      oversizeBucket: undefined,
      socket: { maxFrameBytes: 16_777_216, deflate: false },
      healthHost: '127.0.0.1',
      healthPort: 3001,
      logLevel: 'INFO',
    });
  });

  test('Socket limits can be set', () => {
    const limits = { SOCKET_MAX_FRAME_BYTES: '1048576', SOCKET_DEFLATE: 'on' };
    expect(readConfig({ ...GOOD, ...limits }).socket).toEqual({ maxFrameBytes: 1_048_576, deflate: true });
    const wrong = { SOCKET_MAX_FRAME_BYTES: '7', SOCKET_DEFLATE: 'yes' };
    expect(problemsOf({ ...GOOD, ...wrong })).toEqual([
      'SOCKET_MAX_FRAME_BYTES is below 1024',
      'SOCKET_DEFLATE is not on or off',
    ]);
  });

  test.each(GENESYS_DOMAINS)('The domain %s is accepted', (domain) => {
    expect(readConfig({ ...GOOD, GENESYS_DOMAIN: domain }).apiUrl).toBe(`https://api.${domain}`);
  });

  test('URLs can be set instead of a domain, and trailing slashes are removed', () => {
    const hosts = { GENESYS_API_URL: 'http://127.0.0.1:8080/', GENESYS_LOGIN_URL: 'http://127.0.0.1:8081//' };
    expect(readConfig({ ...GOOD, GENESYS_DOMAIN: undefined, ...hosts })).toMatchObject({
      apiUrl: 'http://127.0.0.1:8080',
      loginUrl: 'http://127.0.0.1:8081',
    });
  });

  test.each([
    ['genesys', ['genesys']],
    ['genesys/1, genesys/2', ['genesys/1', 'genesys/2']],
  ])('The secrets %s can be set instead of an OAuth client', (GENESYS_SECRET_ID, secretIds) => {
    const { GENESYS_CLIENT_ID: _, GENESYS_CLIENT_SECRET: __, ...rest } = GOOD;
    expect(readConfig({ ...rest, GENESYS_SECRET_ID }).credentials).toEqual({ secretIds });
  });

  test('Every default can be overridden', () => {
    const set = {
      SUBSCRIPTION: 'blue-2',
      STATE_TABLE: 'state',
      HEALTH_HOST: '0.0.0.0',
      HEALTH_PORT: '0',
      TOPIC_REFRESH_SECONDS: '60',
      LOG_LEVEL: 'DEBUG',
      AUDIT: 'connections',
      AUDIT_LOG_GROUP: 'audit',
    };
    expect(readConfig({ ...GOOD, ...set })).toMatchObject({
      subscriptionSet: 'blue-2',
      stateTable: 'state',
      healthHost: '0.0.0.0',
      healthPort: 0,
      protocols: [{ configuration: { TOPIC_REFRESH_SECONDS: 60 } }],
      logLevel: 'DEBUG',
      audit: { level: 'connections', logGroup: 'audit' },
    });
  });
});

describe('problems of an environment', () => {
  test('All problems of an empty environment are reported at once, with advice', () => {
    expect(problemsOf({})).toEqual([
      expect.stringMatching(/^GENESYS_DOMAIN is missing: the domain of your Genesys Cloud region/),
      expect.stringMatching(/^GENESYS_CLIENT_ID is missing: /),
      expect.stringMatching(/^GENESYS_CLIENT_SECRET is missing: .*GENESYS_SECRET_ID/),
      expect.stringMatching(/^TOPICS is missing: name the topics/),
      expect.stringMatching(/^EVENTS_QUEUE_URL is missing: /),
    ]);
  });

  test.each([
    [
      { GENESYS_DOMAIN: 'example.com' },
      /^GENESYS_DOMAIN example\.com is not a Genesys Cloud region\. The regions are .*mypurecloud\.com/,
    ],
    [{ GENESYS_DOMAIN: ' ' }, /^GENESYS_DOMAIN is blank/],
    [{ GENESYS_API_URL: 'api' }, /^GENESYS_API_URL is not an http\(s\) URL/],
    [{ GENESYS_LOGIN_URL: 'ftp://login' }, /^GENESYS_LOGIN_URL is not an http\(s\) URL/],
    [{ EVENTS_QUEUE_URL: 'events' }, /^EVENTS_QUEUE_URL is not an http\(s\) URL/],
    [{ HEALTH_PORT: 'x' }, /^HEALTH_PORT is not a number/],
    [{ HEALTH_PORT: '70000' }, /^HEALTH_PORT is above 65535/],
    [{ HEALTH_PORT: '80.5' }, /^HEALTH_PORT is not a whole number/],
    [{ TOPIC_REFRESH_SECONDS: '1' }, /^TOPIC_REFRESH_SECONDS is below 5/],
    [{ LOG_LEVEL: 'LOUD' }, /^LOG_LEVEL is not one of SILENT, ERROR, WARN, INFO, DEBUG/],
    [{ AUDIT: 'some' }, /^AUDIT is not one of off, connections, all/],
    [{ AUDIT: 'connections' }, /^AUDIT_LOG_GROUP is missing: .* required by AUDIT=connections$/],
    [{ SUBSCRIPTION: 'a b' }, /^SUBSCRIPTION has characters other than/],
    [{ TOPICS: 'presence' }, /^TOPICS names presence: not a topic/],
    [{ TOPICS: ' , ' }, /^TOPICS is missing/],
    [{ GENESYS_SECRET_ID: ' , ' }, /^GENESYS_SECRET_ID names no secret/],
    [{ GENESYS_SECRET_ID: 'a,b,a,a' }, /^GENESYS_SECRET_ID names a more than once: .*its own secret$/],
    [
      { GENESYS_SECRET_ID: Array.from({ length: 11 }, (_, n) => `secret-${n}`).join() },
      /^GENESYS_SECRET_ID names 11 secrets, but a deployment has at most 10 OAuth clients$/,
    ],
    [{ CHANNELS: '11' }, /^CHANNELS is above 10/],
    [{ SHARD: '1' }, /^SHARD is not of the form index\/count, for example 0\/2/],
    [{ SHARD: '2/2' }, /^SHARD names no shard: the index begins at 0 and is less than the count/],
    [{ SHARD: '0/101' }, /^SHARD names no shard: .* at most 100/],
    [{ DEPLOYMENT: 'a b' }, /^DEPLOYMENT has characters other than/],
    [{ PROTOCOLS: 'pigeons' }, /^PROTOCOLS names pigeons, which is not one of notification-channels/],
    [{ PROTOCOLS: ' , ' }, /^PROTOCOLS names no protocol: name one or more of notification-channels/],
    [{ TOPICS: 'v2.system.socket_closing' }, /^TOPICS names v2\.system\.socket_closing: .*leave it out/],
  ])('The variable %j is a problem', (bad, problem) => {
    const problems = problemsOf({ ...GOOD, ...bad });
    expect(problems.some((one) => problem.test(one))).toBe(true);
  });

  test('Problems of several kinds are reported once each, in one message', () => {
    const bad = { ...GOOD, HEALTH_PORT: 'x', TOPICS: 'presence,v2.users.*.presence', GENESYS_CLIENT_ID: '' };
    expect(() => readConfig(bad)).toThrow(
      /^The configuration has 4 problem\(s\):\n {2}- HEALTH_PORT .*\n {2}- GENESYS_CLIENT_ID .*\n {2}- TOPICS names presence: .*\n {2}- TOPICS names v2\.users/,
    );
  });

  test('A problem does not quote a secret', () => {
    const bad = { ...GOOD, GENESYS_CLIENT_SECRET: 'top-secret', EVENTS_QUEUE_URL: '' };
    expect(problemsOf(bad).join()).not.toContain('top-secret');
  });
});

describe('the protocols of an environment', () => {
  const fake = {
    ...notificationChannels,
    name: 'fake',
    configuration: z.object({ FAKE_COLOR: z.string({ error: 'is missing' }) }),
  } as unknown as typeof notificationChannels;
  const { TOPICS: _, ...others } = GOOD;

  test('Only the variables of the chosen protocol are read', () => {
    const environment = { ...others, PROTOCOLS: 'fake', FAKE_COLOR: 'blue' };
    const { protocols } = readConfig(environment, [notificationChannels, fake]);
    expect(protocols).toEqual([{ protocol: fake, configuration: { FAKE_COLOR: 'blue' } }]);
  });

  test('A problem with a variable of the chosen protocol is reported', () => {
    expect(() => readConfig({ ...others, PROTOCOLS: 'fake' }, [notificationChannels, fake])).toThrow(
      /FAKE_COLOR is missing/,
    );
  });

  test('Several protocols are read, each with its own variables', () => {
    const environment = { ...GOOD, PROTOCOLS: 'fake, notification-channels', FAKE_COLOR: 'blue' };
    const { protocols } = readConfig(environment, [notificationChannels, fake]);
    expect(protocols).toMatchObject([
      { protocol: { name: 'notification-channels' }, configuration: { CHANNELS: 10 } },
      { protocol: { name: 'fake' }, configuration: { FAKE_COLOR: 'blue' } },
    ]);
  });

  test('The problems of all protocols are reported at once', () => {
    const environment = { ...others, PROTOCOLS: 'notification-channels,fake,pigeons' };
    expect(() => readConfig(environment, [notificationChannels, fake])).toThrow(
      /has 3 problem\(s\):\n.*PROTOCOLS names pigeons.*\n.*TOPICS is missing.*\n.*FAKE_COLOR is missing/,
    );
  });
});

describe('redaction', () => {
  test('The setting is read', () => {
    const REDACTION = '{"preset":"structural","hash":["**.ani"]}';
    const { redaction } = readConfig({ ...GOOD, REDACTION, REDACTION_SECRET_ID: 'redaction' });
    expect(redaction).toEqual({
      preset: 'structural',
      rules: [{ path: '**.ani', action: 'hash' }],
      key: { secretId: 'redaction' },
    });
  });

  test('Every problem of the setting is reported with the others', () => {
    const set = { TOPICS: GOOD.TOPICS, GENESYS_DOMAIN: 'x', GENESYS_SECRET_ID: 's' };
    expect(
      problemsOf({
        ...set,
        REDACTION: '{"drop":["a..b"],"mask":["c*"]}',
        EVENTS_QUEUE_URL: 'https://sqs.test/1',
      }),
    ).toEqual([
      expect.stringMatching(/^REDACTION drop\[0\] \(a\.\.b\)/),
      expect.stringMatching(/^REDACTION mask\[0\] \(c\*\)/),
      expect.stringMatching(/^GENESYS_DOMAIN x/),
    ]);
    expect(problemsOf({ ...GOOD, REDACTION: '{"hash":["a"]}' })).toEqual([
      expect.stringMatching(/^REDACTION_SECRET_ID is missing/),
    ]);
  });
});
