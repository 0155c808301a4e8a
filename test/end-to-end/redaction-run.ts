import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { S3 } from 'switchboard-local/emulator/s3/s3.ts';
import { parseFaults } from '../../bin/local/fault-options.ts';
import { runLocal } from '../../bin/local/local-run.ts';
import type { Written } from './personal-data-scan.ts';

/**
 * Runs the complete pipeline like `npm start`, for every protocol, with a log at level DEBUG and EMF metrics. Everything
 * else that leaves it is recorded: all requests to AWS, whatever their answers, and the answers of the health endpoint.
 *
 * Arguments: the setting of the redaction (`none` for none), and the file for what was written.
 */
const [redaction = '', file = ''] = process.argv.slice(2);
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

const written: Written[] = [];
const write = (where: string, content: string | Uint8Array) =>
  written.push({ where, base64: Buffer.from(content).toString('base64') });

const callEmulator = Emulator.prototype.handle;
Emulator.prototype.handle = function (call) {
  write(call.target, call.body);
  return callEmulator.call(this, call);
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
    protocol: 'all',
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
    exit: true,
    json: true,
    ...(redaction === 'none' ? {} : { redaction }),
  },
  undefined,
);
clearInterval(reading);
writeFileSync(file, JSON.stringify(written));
process.exit(code);
