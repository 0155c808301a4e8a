import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Deployment, deployment, PROJECT_ROOT } from './test-deployment.ts';

const KIB = 1_024;
const MAX_CONSUMER_BYTES = 900 * KIB;
const MAX_WEBHOOK_BYTES = 700 * KIB;
const MAX_DELIVERY_BYTES = 1_000 * KIB;
const MAX_INGESTER_BYTES = 1_500 * KIB;

let made: Deployment;
let staged: string[];
beforeAll(() => {
  made = deployment(() => ({ webhook: {} }), { bundles: true });
  made.switchboard.deliverTo('Crm', { url: 'https://crm.example.com', match: {}, ordered: true });
  const { directory } = made.app.synth();
  staged = readdirSync(directory)
    .filter((name) => name.startsWith('asset.'))
    .map((name) => join(directory, name));
});
afterAll(() => made[Symbol.dispose]());

/** Finds the staged asset that contains a file. */
function directoryWith(file: string): string {
  const found = staged.find((directory) => existsSync(join(directory, file)));
  if (!found) throw new Error(`No asset contains ${file}`);
  return found;
}

/** Runs a module in a directory without packages. */
async function run(script: string, environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--enable-source-maps', '--input-type=module', '-e', script], {
    cwd: tmpdir(),
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, output, errors };
}

describe('The consumer bundle', () => {
  test('The consumer bundle consists of a module below 900 KB and its source map', () => {
    const directory = directoryWith('index.mjs');
    expect(readdirSync(directory).sort()).toEqual(['index.mjs', 'index.mjs.map']);
    expect(statSync(join(directory, 'index.mjs')).size).toBeLessThan(MAX_CONSUMER_BYTES);
  });

  test('The consumer bundle exports the Lambda handler', async () => {
    const url = pathToFileURL(join(directoryWith('index.mjs'), 'index.mjs'));
    const { output, errors } = await run(
      `const { handler } = await import('${url}'); console.log(typeof handler);`,
      {
        AWS_REGION: 'eu-central-1',
        CLAIMS_TABLE: 'claims',
        EVENT_BUS_NAME: 'bus',
        QUARANTINE_QUEUE_URL: 'https://sqs.test/1/quarantine',
        OVERSIZE_BUCKET: 'oversize',
      },
    );
    expect(output).toBe('function\n');
    expect(errors).toBe('');
  });
});

test('The webhook bundle is below 700 KB and exports the Lambda handler', async () => {
  const file = join(directoryWith('webhook.mjs'), 'webhook.mjs');
  expect(statSync(file).size).toBeLessThan(MAX_WEBHOOK_BYTES);
  const { output, errors } = await run(
    `const { handler } = await import('${pathToFileURL(file)}'); console.log(typeof handler);`,
    {
      AWS_REGION: 'eu-central-1',
      EVENTS_QUEUE_URL: 'https://sqs.test/1/events',
      WEBHOOK_SECRET_ID: 'switchboard/webhook',
    },
  );
  expect({ output, errors }).toEqual({ output: 'function\n', errors: '' });
});

test.each([
  [
    'delivery',
    {
      DESTINATION: 'Crm',
      DESTINATION_URL: 'https://crm.example.com',
      DELIVERY_QUEUE_URL: 'https://sqs.test/1/delivery',
      DEAD_LETTER_QUEUE_URL: 'https://sqs.test/1/dead-letter',
      QUARANTINE_QUEUE_URL: 'https://sqs.test/1/quarantine',
      STATE_TABLE: 'state',
      CLAIMS_TABLE: 'claims',
    },
  ],
  ['delivery-order', { FIFO_QUEUE_URL: 'https://sqs.test/1/delivery.fifo' }],
])('The bundle of %s is below 1,000 KB and exports the Lambda handler', async (name, variables) => {
  const file = join(directoryWith(`${name}.mjs`), `${name}.mjs`);
  expect(statSync(file).size).toBeLessThan(MAX_DELIVERY_BYTES);
  const { output, errors } = await run(
    `const { handler } = await import('${pathToFileURL(file)}'); console.log(typeof handler);`,
    { AWS_REGION: 'eu-central-1', ...variables },
  );
  expect({ output, errors }).toEqual({ output: 'function\n', errors: '' });
});

describe('The ingester image', () => {
  test('The ingester asset consists of a module below 1.5 MB, its source map and a Dockerfile', () => {
    const directory = directoryWith('main.mjs');
    expect(readdirSync(directory).sort()).toEqual(['Dockerfile', 'main.mjs', 'main.mjs.map']);
    expect(statSync(join(directory, 'main.mjs')).size).toBeLessThan(MAX_INGESTER_BYTES);
  });

  test('The ingester bundle runs without packages and reports missing variables', async () => {
    const url = pathToFileURL(join(directoryWith('main.mjs'), 'main.mjs'));
    const { code, errors } = await run(`await import('${url}');`);
    expect(code).toBe(78);
    expect(errors).toContain('EVENTS_QUEUE_URL is missing');
  });

  test('The ingester image extends the official image, does not run as root and passes signals to Node.js', () => {
    const dockerfile = readFileSync(join(directoryWith('Dockerfile'), 'Dockerfile'), 'utf8');
    const steps = dockerfile.split('\n').filter((line) => line && !line.startsWith('#'));
    expect(steps[0]).toMatch(/^FROM node:24\.\d+\.\d+-slim@sha256:[0-9a-f]{64}$/);
    expect(steps.filter((line) => line.startsWith('RUN'))).toEqual([]);
    expect(steps).toContain('USER node');
    expect(steps.at(-1)).toBe('ENTRYPOINT ["node", "--enable-source-maps", "main.mjs"]');
  });

  test('The ingester image uses the Node.js version of the project', () => {
    const dockerfile = readFileSync(join(directoryWith('Dockerfile'), 'Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`FROM node:${process.versions.node}-`);
  });
});

test.each([
  ['index.mjs', 'consumer/handler'],
  ['main.mjs', 'ingester/main'],
  ['webhook.mjs', 'webhook/handler'],
  ['delivery.mjs', 'delivery/handler'],
  ['delivery-order.mjs', 'delivery-order/handler'],
])('The bundle %s does not depend on the machine that builds it', (file, entry) => {
  const directory = directoryWith(file);
  for (const name of [file, `${file}.map`]) {
    const content = readFileSync(join(directory, name), 'utf8');
    expect(content).not.toContain(PROJECT_ROOT);
    expect(content).not.toContain(tmpdir());
  }
  const { sources } = JSON.parse(readFileSync(join(directory, `${file}.map`), 'utf8'));
  expect(sources).toContain(`../../functions/${entry}.ts`);
});
