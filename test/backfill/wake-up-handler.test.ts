import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context, ScheduledEvent, SQSEvent } from 'aws-lambda';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NAMES } from '../../bin/local/resources.ts';
import type { BackfillReport } from '../../functions/backfill/backfill.ts';
import { readConfig } from '../../functions/backfill/backfill-config.ts';
import { type BackfillHandler, createHandler } from '../../functions/backfill/wake-up-handler.ts';
import { gapsMessage } from '../../lib/events/gaps-message.ts';
import { scannedLogger } from '../secret-scan/scanned-logger.ts';
import { AT_ONCE, LocalBackfill, type LocalCloud, startCloud } from './local-backfill.ts';

const TOPICS = ['v2.users.{id}.presence'];
const SWEEP = { 'detail-type': 'Scheduled Event' } as ScheduledEvent;
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

let cloud: LocalCloud;
let local: LocalBackfill;
let reports: BackfillReport[];
beforeEach(async () => {
  cloud = await startCloud();
  local = await LocalBackfill.start(cloud);
  reports = [];
});
afterEach(() => cloud.simulator.close());

function handlerWith(
  roundsAfterMs: readonly [number, ...number[]],
  variables: Readonly<Record<string, string>> = {},
): BackfillHandler {
  const { url } = cloud.listening;
  const config = readConfig({
    GENESYS_API_URL: url,
    GENESYS_LOGIN_URL: url,
    GENESYS_SECRET_ID: 'switchboard/genesys',
    EVENTS_QUEUE_URL: local.queueUrl(NAMES.eventsQueue),
    GAPS_QUEUE_URL: local.queueUrl(NAMES.gapsQueue),
    STATE_TABLE: NAMES.stateTable,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    BACKFILL_REQUESTS_PER_MINUTE: '300',
    ...variables,
  });
  const logger = scannedLogger('backfill');
  return createHandler(config, {
    dynamodb: local.dynamodb(),
    sqs: local.sqs(),
    objects: local.objects,
    secretsManager: local.secretsManager,
    credentials: async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' }),
    logger,
    metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'backfill', logger }),
    times: { ...AT_ONCE, roundsAfterMs },
    onReport: (report) => reports.push(report),
  });
}

const messages = (...bodies: string[]) => ({ Records: bodies.map((body) => ({ body })) }) as SQSEvent;
const context = (remainingMs: number) => ({ getRemainingTimeInMillis: () => remainingMs }) as Context;

async function recordOutage(): Promise<string> {
  const fromMs = Date.now() - 5_000;
  const generator = new Generator(cloud.simulator, { seed: 1, topics: TOPICS });
  for (let n = 0; n < 200; n++) cloud.simulator.emit(generator.next());
  return local.recordGap(fromMs, Date.now() + 60_000, TOPICS);
}

describe('the handler of the backfill', () => {
  test('A message with a gap fills it, and nothing wakes the function again', async () => {
    const gapId = await recordOutage();
    await handlerWith(AT_ONCE.roundsAfterMs)(messages(gapsMessage(gapId)), context(60_000));
    expect(reports[0]?.closed.map((one) => one.gapId)).toEqual([gapId]);
    expect(reports[0]?.recovered).toBeGreaterThan(100);
    expect(local.wakeUps()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  test('A gap that is not due yet wakes the function again', async () => {
    const gapId = await recordOutage();
    await handlerWith([0])(messages(gapsMessage(gapId), gapsMessage(gapId)), context(60_000));
    expect(reports[0]).toMatchObject({ recovered: 0, closed: [] });
    expect(local.wakeUps()).toEqual({ visible: 0, delayed: 1, inFlight: 0 });
  });

  test('The schedule finds a gap without a message', async () => {
    const gapId = await recordOutage();
    await handlerWith(AT_ONCE.roundsAfterMs)(SWEEP, context(60_000));
    expect(reports[0]?.closed.map((one) => one.gapId)).toEqual([gapId]);
  });

  test('At its time limit an invocation stores its progress and wakes the next one', async () => {
    const gapId = await recordOutage();
    const handler = handlerWith(AT_ONCE.roundsAfterMs);
    await handler(messages(gapsMessage(gapId)), context(0));
    expect(reports[0]).toMatchObject({ closed: [], failures: 0 });
    expect(local.wakeUps().visible).toBe(1);
    await handler(messages(gapsMessage()), context(60_000));
    expect(reports[1]?.closed.map((one) => one.gapId)).toEqual([gapId]);
  });

  test('Nothing is sent before the key of hashes is known, and then the gap is filled', async () => {
    const gapId = await recordOutage();
    const handler = handlerWith(AT_ONCE.roundsAfterMs, {
      REDACTION: '{"hash":["primary"]}',
      REDACTION_SECRET_ID: 'redaction',
    });
    await handler(messages(gapsMessage(gapId)), context(60_000));
    expect(reports[0]).toMatchObject({ recovered: 0, closed: [], failures: 1 });
    expect(local.sent).toEqual([]);
    expect(local.wakeUps()).toEqual({ visible: 0, delayed: 1, inFlight: 0 });
    local.setSecret('redaction', 'a key of at least thirty-two characters');
    await handler(messages(gapsMessage()), context(60_000));
    expect(reports[1]?.closed.map((one) => one.gapId)).toEqual([gapId]);
    expect(local.published.length).toBeGreaterThan(100);
    for (const { frame } of local.published)
      expect(frame.eventBody.primary).toEqual(expect.stringMatching(/^[\w-]{43}$/));
  });

  test('An unreadable message only wakes the function', async () => {
    await handlerWith(AT_ONCE.roundsAfterMs)(messages('not JSON', gapsMessage('unknown')), context(60_000));
    expect(reports[0]).toMatchObject({ recovered: 0, closed: [], failures: 0 });
  });
});

describe('the configuration', () => {
  test('Every problem is listed at once', () => {
    expect(() => readConfig({ GENESYS_DOMAIN: 'example.com', BACKFILL_REQUESTS_PER_MINUTE: '301' })).toThrow(
      /GENESYS_DOMAIN[\s\S]*GENESYS_SECRET_ID[\s\S]*EVENTS_QUEUE_URL[\s\S]*STATE_TABLE[\s\S]*BACKFILL_REQUESTS_PER_MINUTE/,
    );
    expect(() => readConfig({ REDACTION: '{"drop":["a..b"]}' })).toThrow(
      /GENESYS_SECRET_ID[\s\S]*REDACTION drop\[0\] \(a\.\.b\) has an empty name/,
    );
  });

  test('Hashes need a key', () => {
    const set = {
      GENESYS_DOMAIN: 'mypurecloud.de',
      GENESYS_SECRET_ID: 'secret',
      EVENTS_QUEUE_URL: 'https://sqs.test/1/events',
      GAPS_QUEUE_URL: 'https://sqs.test/1/gaps',
      STATE_TABLE: 'state',
      OVERSIZE_BUCKET: 'large',
    };
    expect(() => readConfig({ ...set, REDACTION: '{"hash":["a"]}' })).toThrow(
      /REDACTION_SECRET_ID is missing/,
    );
    expect(readConfig({ ...set, REDACTION: 'structural' }).redaction).toMatchObject({ preset: 'structural' });
    expect(readConfig(set).redaction).toBeUndefined();
  });
});
