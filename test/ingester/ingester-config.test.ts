import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../functions/ingester/config.ts';
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

describe('a good environment', () => {
  it('is read with its defaults', () => {
    expect(readConfig({ ...GOOD, STATE_TABLE: '' })).toEqual({
      apiUrl: 'https://api.mypurecloud.de',
      loginUrl: 'https://login.mypurecloud.de',
      credentials: { clientId: 'id', clientSecret: 'secret' },
      topics: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
      protocol: 'notification-channels',
      subscription: 'default',
      eventsQueueUrl: GOOD.EVENTS_QUEUE_URL,
      stateTable: undefined,
      healthHost: '127.0.0.1',
      healthPort: 3001,
      topicRefreshSeconds: 300,
      logLevel: 'INFO',
    });
  });

  it.each(GENESYS_DOMAINS)('may be of the region %s', (domain) => {
    expect(readConfig({ ...GOOD, GENESYS_DOMAIN: domain }).apiUrl).toBe(`https://api.${domain}`);
  });

  it('may name its own hosts instead of a region', () => {
    const hosts = { GENESYS_API_URL: 'http://127.0.0.1:8080/', GENESYS_LOGIN_URL: 'http://127.0.0.1:8081//' };
    expect(readConfig({ ...GOOD, GENESYS_DOMAIN: undefined, ...hosts })).toMatchObject({
      apiUrl: 'http://127.0.0.1:8080',
      loginUrl: 'http://127.0.0.1:8081',
    });
  });

  it('may name a secret instead of credentials', () => {
    const { GENESYS_CLIENT_ID: _, GENESYS_CLIENT_SECRET: __, ...rest } = GOOD;
    expect(readConfig({ ...rest, GENESYS_SECRET_ID: 'genesys' }).credentials).toEqual({
      secretId: 'genesys',
    });
  });

  it('may set everything else', () => {
    const set = {
      SUBSCRIPTION: 'blue-2',
      STATE_TABLE: 'state',
      HEALTH_HOST: '0.0.0.0',
      HEALTH_PORT: '0',
      TOPIC_REFRESH_SECONDS: '60',
      LOG_LEVEL: 'DEBUG',
    };
    expect(readConfig({ ...GOOD, ...set })).toMatchObject({
      subscription: 'blue-2',
      stateTable: 'state',
      healthHost: '0.0.0.0',
      healthPort: 0,
      topicRefreshSeconds: 60,
      logLevel: 'DEBUG',
    });
  });
});

describe('problems', () => {
  it('of an empty environment are all told at once, each with what to do', () => {
    expect(problemsOf({})).toEqual([
      expect.stringMatching(/^GENESYS_DOMAIN is missing: the domain of your Genesys Cloud region/),
      expect.stringMatching(/^GENESYS_CLIENT_ID is missing: /),
      expect.stringMatching(/^GENESYS_CLIENT_SECRET is missing: .*GENESYS_SECRET_ID/),
      expect.stringMatching(/^TOPICS is missing: name the topics/),
      expect.stringMatching(/^EVENTS_QUEUE_URL is missing: /),
    ]);
  });

  it.each([
    [
      { GENESYS_DOMAIN: 'example.com' },
      /^GENESYS_DOMAIN example\.com is no Genesys Cloud region; it is one of .*mypurecloud\.com/,
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
    [{ SUBSCRIPTION: 'a b' }, /^SUBSCRIPTION has characters other than/],
    [{ TOPICS: 'presence' }, /^TOPICS: presence: not a topic/],
    [{ TOPICS: ' , ' }, /^TOPICS is missing/],
    [{ TOPICS: 'v2.system.socket_closing' }, /^TOPICS: v2\.system\.socket_closing: .*leave it out/],
  ])('%j', (bad, problem) => {
    const problems = problemsOf({ ...GOOD, ...bad });
    expect(problems.some((one) => problem.test(one))).toBe(true);
  });

  it('of several kinds come together, each once, in one message', () => {
    const bad = { ...GOOD, HEALTH_PORT: 'x', TOPICS: 'presence,v2.users.*.presence', GENESYS_CLIENT_ID: '' };
    expect(() => readConfig(bad)).toThrow(
      /^The configuration has 4 problem\(s\):\n {2}- HEALTH_PORT .*\n {2}- GENESYS_CLIENT_ID .*\n {2}- TOPICS: presence: .*\n {2}- TOPICS: v2\.users/,
    );
  });

  it('do not quote a secret', () => {
    const bad = { ...GOOD, GENESYS_CLIENT_SECRET: 'top-secret', EVENTS_QUEUE_URL: '' };
    expect(problemsOf(bad).join()).not.toContain('top-secret');
  });
});
