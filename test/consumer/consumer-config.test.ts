import { describe, expect, test } from 'vitest';
import { readConfig } from '../../functions/consumer/consumer-config.ts';

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
    ['3', 'is below 4: Genesys Cloud retries for four days'],
    ['29', 'is above 28'],
  ])('A dedup window of %s days is refused', (days, problem) => {
    expect(() => readConfig({ ...REQUIRED, DEDUP_WINDOW_DAYS: days })).toThrow(
      `DEDUP_WINDOW_DAYS ${problem}`,
    );
  });
});
