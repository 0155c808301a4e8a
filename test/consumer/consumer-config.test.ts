import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentRows } from '../../docs/environment-rows.ts';
import { settingsTable } from '../../docs/markdown-table.ts';
import { consumerEnvironment, readConfig } from '../../functions/consumer/consumer-config.ts';

const REQUIRED = {
  CLAIMS_TABLE: 'claims',
  EVENT_BUS_NAME: 'arn:aws:events:us-east-1:000000000000:event-bus/switchboard',
  QUARANTINE_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/quarantine',
};

describe("the consumer's configuration", () => {
  test('The consumer requires a table, a bus and a queue, and has defaults for the rest', () => {
    expect(readConfig({ ...REQUIRED, PATH: '/usr/bin' })).toEqual({
      claimsTable: REQUIRED.CLAIMS_TABLE,
      eventBusName: REQUIRED.EVENT_BUS_NAME,
      quarantineQueueUrl: REQUIRED.QUARANTINE_QUEUE_URL,
      eventSource: 'genesys.cloud',
      dedupWindowSeconds: 604_800,
      logLevel: 'INFO',
      oversizeBucket: undefined,
      oversizeBytes: 1_048_575,
    });
  });

  test('The consumer reads the source, the dedup window and the log level from its environment', () => {
    const more = { EVENT_SOURCE: 'my.genesys/eu-1', DEDUP_WINDOW_DAYS: '4.5', LOG_LEVEL: 'DEBUG' };
    expect(readConfig({ ...REQUIRED, ...more })).toMatchObject({
      eventSource: 'my.genesys/eu-1',
      dedupWindowSeconds: 388_800,
      logLevel: 'DEBUG',
    });
  });

  test('The consumer writes audit records only if those of events are wanted', () => {
    const auditOf = (level: string) =>
      readConfig({ ...REQUIRED, AUDIT: level, AUDIT_LOG_GROUP: 'audit' }).audit;
    expect(['off', 'connections', 'all'].map(auditOf)).toEqual([
      undefined,
      undefined,
      { level: 'all', logGroup: 'audit' },
    ]);
  });

  test('Audit records need a log group', () => {
    expect(() => readConfig({ ...REQUIRED, AUDIT: 'all' })).toThrow(
      "The consumer's environment has 1 problem(s):\n  - AUDIT_LOG_GROUP is missing",
    );
  });

  test('The consumer reads the redaction of native events, and hashes need a key', () => {
    const REDACTION = '{"hash":["**.ani"]}';
    expect(readConfig({ ...REQUIRED, REDACTION: 'structural' }).redaction).toEqual({
      preset: 'structural',
      rules: [],
      key: undefined,
    });
    expect(readConfig({ ...REQUIRED, REDACTION, REDACTION_SECRET_ID: 'key' }).redaction).toMatchObject({
      key: { secretId: 'key' },
    });
    expect(() => readConfig({ ...REQUIRED, REDACTION })).toThrow('REDACTION_SECRET_ID is missing');
  });

  test('The error lists every problem, each with the name of its variable', () => {
    const problems = {
      EVENT_BUS_NAME: '',
      QUARANTINE_QUEUE_URL: 'quarantine',
      EVENT_SOURCE: 'AWS.events',
      DEDUP_WINDOW_DAYS: 'a week',
      LOG_LEVEL: 'LOUD',
    };
    let message = '';
    try {
      readConfig(problems);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain("The consumer's environment has 6 problem(s):");
    expect(message).toContain('  - CLAIMS_TABLE is missing: the name of the DynamoDB table for claims');
    for (const name of Object.keys(problems)) expect(message).toContain(`\n  - ${name} `);
  });

  test.each([
    ['CLAIMS_TABLE', undefined, 'is missing: the name of the DynamoDB table for claims'],
    ['EVENT_BUS_NAME', undefined, 'is missing: the name or ARN of the EventBridge bus'],
    [
      'QUARANTINE_QUEUE_URL',
      'quarantine',
      'is missing or not a URL: the SQS queue for items that failed permanently',
    ],
    ['DEDUP_WINDOW_DAYS', 'a week', 'is not a number'],
    ['DEDUP_WINDOW_DAYS', '3.9', 'is below 4: Genesys Cloud retries for four days'],
    ['DEDUP_WINDOW_DAYS', '28.1', 'is above 28'],
    ['OVERSIZE_BUCKET', 'ab', 'is not a bucket name'],
    ['OVERSIZE_BYTES', '1 MB', 'is not a number'],
    ['OVERSIZE_BYTES', '70000.5', 'is not a whole number'],
    ['OVERSIZE_BYTES', '65535', 'is below 65536'],
    ['OVERSIZE_BYTES', '1048576', 'is above 1048575, the EventBridge maximum'],
  ])(
    'The variable %s with the value %s is refused, and the error says that it %s',
    (name, value, problem) => {
      expect(() => readConfig({ ...REQUIRED, [name]: value })).toThrow(
        `The consumer's environment has 1 problem(s):\n  - ${name} ${problem}`,
      );
    },
  );

  test.each(['AWS.events', '', '!genesys', 'genesys!', 'x'.repeat(257)])(
    'The source "%s" is refused, because EventBridge does not accept it',
    (EVENT_SOURCE) => {
      expect(() => readConfig({ ...REQUIRED, EVENT_SOURCE })).toThrow(
        '  - EVENT_SOURCE must be 1-256 letters, digits, . - _ / and not begin with aws., which AWS reserves',
      );
    },
  );

  test.each([
    { EVENT_SOURCE: 'x'.repeat(256) },
    { DEDUP_WINDOW_DAYS: '4' },
    { DEDUP_WINDOW_DAYS: '28' },
    { OVERSIZE_BUCKET: 'abc' },
    { OVERSIZE_BYTES: '65536' },
    { OVERSIZE_BYTES: '1048575' },
  ])('The value at the limit is accepted: %j', (limit) => {
    expect(() => readConfig({ ...REQUIRED, ...limit })).not.toThrow();
  });

  test('The configuration reference has every variable with its type, default and description', () => {
    const reference = readFileSync(resolve(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
    expect(reference).toContain(settingsTable('Variable', environmentRows(consumerEnvironment)));
  });
});
