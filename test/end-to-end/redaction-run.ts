import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { S3 } from 'switchboard-local/emulator/s3/s3.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { runLocal } from '../../bin/local/local-run.ts';
import { emitMetrics } from '../../functions/ingester/emf-metrics.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import type { Written } from './personal-data-scan.ts';

/**
 * Runs the complete pipeline like `npm start`, with a log at level DEBUG, EMF metrics and all audit records. Everything
 * else that leaves it is recorded: all requests to AWS, whatever their answers, and the answers of the health endpoint.
 *
 * Arguments: the protocol or `all`, the setting of the redaction (`none` for none), and the file for what was written.
 */
const [protocol = '', redaction = '', file = ''] = process.argv.slice(2);
const FAULTS = [
  ...[
    'garbage_frame',
    'duplicate_frame',
    'reordered_frames',
    'socket_drop',
    'large_event',
    'sequence_restart',
  ],
  ...['webhook_forged', 'webhook_repeat'],
  ...['timeout_after_commit', 'partial_failure', 'duplicate_delivery', 'consumer_crash'],
];
const READ_INTERVAL_MS = 500;

let stopMetrics = () => {};
const written: Written[] = [];
const write = (where: string, content: string | Uint8Array) =>
  written.push({ where, base64: Buffer.from(content).toString('base64') });

const callEmulator = Emulator.prototype.handle;
Emulator.prototype.handle = function (call) {
  write(call.target, call.body);
  return callEmulator.call(this, call);
};
// As functions/ingester/main.ts does.
const startIngester = Ingester.prototype.start;
Ingester.prototype.start = function () {
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'ingester' });
  stopMetrics = emitMetrics(metrics, this.metricSources());
  return startIngester.call(this);
};
const callS3 = S3.prototype.handle;
S3.prototype.handle = function (request) {
  write(`S3 ${request.method} ${request.path}`, request.body);
  return callS3.call(this, request);
};

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const healthPort = await freePort();
const reading = setInterval(async () => {
  for (const path of ['healthz', 'metrics']) {
    const response = await fetch(`http://127.0.0.1:${healthPort}/${path}`).catch(() => undefined);
    if (response) write(path, await response.text());
  }
}, READ_INTERVAL_MS);
const code = await runLocal(
  {
    protocol,
    events: 3_000,
    rate: 800,
    seed: 3,
    faults: parseFaults(FAULTS.join()),
    users: 20,
    queues: 5,
    tokenLife: 86_400,
    channelLife: 86_400,
    healthPort,
    logLevel: 'DEBUG',
    audit: 'all',
    exit: true,
    json: true,
    ...(redaction === 'none' ? {} : { redaction }),
  },
  undefined,
);
clearInterval(reading);
stopMetrics();
writeFileSync(file, JSON.stringify(written));
process.exit(code);
