import { auditTrail } from '../../lib/aws/audit-settings.ts';
import {
  cloudWatchLogsClient,
  dynamoDbClient,
  objectStore,
  secretsManagerClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { contentRedaction } from '../../lib/aws/content-redaction-key.ts';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { RepeatedWarnings } from '../../lib/aws/repeated-warnings.ts';
import { redact } from '../../lib/events/redaction.ts';
import { credentialsOf } from './credentials.ts';
import { emitMetrics } from './emf-metrics.ts';
import { Ingester } from './ingester.ts';
import { ConfigError, readConfig } from './ingester-config.ts';
import { withStoredTopics } from './stored-topics.ts';

/** Exit codes. 78 is EX_CONFIG of sysexits.h. */
const EXIT = { ok: 0, failed: 1, badConfig: 78 } as const;

async function main(): Promise<number> {
  const dynamodb = dynamoDbClient();
  const config = readConfig(await withStoredTopics(process.env, (bucket) => objectStore(bucket, dynamodb)));
  const logger = createLogger('ingester', config.logLevel);
  const log = new RepeatedWarnings(logger);
  const ingester = new Ingester(config, {
    sqs: sqsClient(),
    ...(config.stateTable ? { dynamodb } : {}),
    objectStore: objectStore(config.oversizeBucket, dynamodb),
    redaction: await contentRedaction(config.redaction, secretsManagerClient),
    credentials: credentialsOf(config),
    audit: auditTrail(config.audit, cloudWatchLogsClient, {
      service: 'ingester',
      log,
      writes: 'continuously',
    }),
    log,
  });
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  const stopMetrics = emitMetrics(
    deploymentMetrics('ingester', config.deployment, logger),
    ingester.metricSources(),
  );
  let code: number = EXIT.ok;
  try {
    const started = ingester.start().then(() => {
      log.info('started', { health: `http://${config.healthHost}:${ingester.healthPort}/healthz` });
    });
    const signal = await Promise.race([stopped, started.then(() => ingester.failed)]);
    log.info('stopping', { signal });
  } catch (error) {
    code = EXIT.failed;
    log.error(redact(error instanceof Error ? error.message : String(error)), { error });
  }
  await ingester.stop();
  stopMetrics();
  log.close();
  log.info('stopped', { code, ...ingester.batcher.totals });
  return code;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : redact(String(error))}\n`);
  process.exit(error instanceof ConfigError ? EXIT.badConfig : EXIT.failed);
}
