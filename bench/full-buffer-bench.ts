import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { buildModule } from '../lib/cdk/bundle.ts';
import { type Figure, figure } from './measure.ts';

/** Memory of the default task, in MiB. */
const TASK_MIB = 512;
const KIB_PER_MIB = 1_024;
/** Letters of an event's body. */
const BODY_CHARACTERS = 20_000;
/** Events that are emitted at once. */
const BURST_EVENTS = 50;
/** The buffer must be full after this time. */
const MAX_FILL_MS = 120_000;
/** Time after which the peak is read: every send has failed once and was repeated. */
const FULL_MS = 15_000;
const POLL_MS = 50;
const TOPIC = 'v2.users.00000000-0000-4000-8000-000000000001.presence';

/**
 * Peak resident memory of the ingester, as it is deployed, while its buffer is full because SQS answers nothing. V8 stores
 * a string with one letter outside of Latin-1 with two bytes per letter.
 */
export async function benchFullBuffer(): Promise<Figure[]> {
  const latin = await peakMib('a');
  const other = await peakMib('ж');
  return [
    figure('ingester with a full buffer, Latin text', 'MiB peak RSS', latin, null, TASK_MIB),
    figure(
      'ingester with a full buffer, one Cyrillic letter per event',
      'MiB peak RSS',
      other,
      null,
      TASK_MIB,
    ),
  ];
}

async function peakMib(letter: string): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-full-buffer-'));
  const simulator = new Simulator();
  const cloud = await simulator.listen();
  const silent = createTcpServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const healthPort = await freePort();
  for (const { path, contents } of buildModule('functions/ingester/main.ts', 'main').outputFiles)
    writeFileSync(join(directory, basename(path)), contents);
  const ingester = spawn(process.execPath, [join(directory, 'main.mjs')], {
    stdio: 'ignore',
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      GENESYS_API_URL: cloud.url,
      GENESYS_LOGIN_URL: cloud.url,
      GENESYS_CLIENT_ID: 'simulator-client',
      GENESYS_CLIENT_SECRET: 'simulator-secret',
      TOPICS: TOPIC,
      EVENTS_QUEUE_URL: 'http://127.0.0.1/000000000000/events',
      HEALTH_PORT: String(healthPort),
    },
  });
  try {
    await fill(simulator, letter, healthPort);
    await delay(FULL_MS);
    return peakRssKib(ingester.pid) / KIB_PER_MIB;
  } finally {
    ingester.kill('SIGKILL');
    await simulator.close();
    silent.close();
    rmSync(directory, { recursive: true });
  }
}

/** Emit events until the ingester stops reading. */
async function fill(simulator: Simulator, letter: string, healthPort: number): Promise<void> {
  const text = `${letter}${'a'.repeat(BODY_CHARACTERS)}`;
  for (const startMs = performance.now(); performance.now() - startMs < MAX_FILL_MS; await delay(POLL_MS)) {
    if (await isPaused(healthPort)) return;
    for (let left = BURST_EVENTS; left > 0; left--)
      simulator.emit({ topicName: TOPIC, version: '2', eventBody: { text }, metadata: {} });
  }
  throw new Error(`The buffer of the ingester was not full after ${MAX_FILL_MS} ms.`);
}

async function isPaused(healthPort: number): Promise<boolean> {
  const metrics = await fetch(`http://127.0.0.1:${healthPort}/metrics`).then(
    (response) => response.text(),
    // The ingester is starting.
    () => '',
  );
  return /^\w*paused 1$/m.test(metrics);
}

function peakRssKib(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
