import { randomBytes } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { Registry } from 'prom-client';
import { announceCall, announceSecret } from 'switchboard-local/announcements.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { serveHealth } from '../../functions/ingester/health.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { Child } from '../end-to-end/child.ts';
import { TestLog } from '../ingester/test-log.ts';
import { findSecrets } from './secret-search.ts';

/** Leaks are planted: the scan must find each of them, here and not after the file. */
let secret: string;

beforeEach(() => {
  // Nothing that the product recognizes.
  secret = randomBytes(24).toString('base64url');
  announceSecret(secret);
});

/** The origins of what the scan finds. */
const found = () => globalThis.takeFindings().map(({ origin }) => origin);

describe('a planted leak', () => {
  test('A secret on standard output and on standard error is found', () => {
    process.stdout.write(`planted for the scan: ${secret}\n`);
    process.stderr.write(`planted for the scan: ${secret}\n`);
    expect(found()).toEqual(['stdout', 'stderr']);
  });

  test('A secret in a line of the product’s logger is found', () => {
    createLogger('planted', 'DEBUG').debug('planted for the scan', { field: { deep: [`x=${secret}`] } });
    expect(found()).toEqual(['stdout']);
  });

  test('A secret in the log that a test keeps in memory is found', () => {
    new TestLog().warn('planted', { error: new GenesysError('refused', secret, { retriable: false }) });
    expect(found().sort()).toEqual(['error GenesysError', 'log of test']);
  });

  test('A secret in a metric is found', () => {
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
    const metrics = new Metrics({ namespace: 'Planted', serviceName: 'planted' });
    metrics.addDimension('channel', secret);
    metrics.addMetric('Planted', 'Count', 1);
    metrics.publishStoredMetrics();
    vi.unstubAllEnvs();
    expect(found()).toEqual(['stdout']);
  });

  test('A secret in an answer of the health endpoint is found', async () => {
    const health = { ready: true, live: true, reasons: [secret] };
    const server = await serveHealth({ host: '127.0.0.1', port: 0 }, () => health, new Registry());
    await (await fetch(`http://127.0.0.1:${server.port}/healthz`)).text();
    await server.close();
    expect(found()).toEqual(['answer of /healthz']);
  });

  test('A secret in an error of the product is found, also in its cause, and one in an error of a test is not', () => {
    const cause = new Error(`planted: ${secret}`);
    expect(found()).toEqual([]);
    new GenesysError('refused', 'planted', { retriable: false, cause });
    expect(found()).toEqual(['error GenesysError']);
  });

  test('A secret in a record that is sent to CloudWatch Logs is found', () => {
    announceCall({ target: 'Logs_20140328.PutLogEvents', body: JSON.stringify({ message: secret }) });
    expect(found()).toEqual(['Logs_20140328.PutLogEvents']);
  });

  test('A secret that a child process writes is found, regardless of its environment and how it ends', async () => {
    const script = `console.log(${JSON.stringify(secret)}); setInterval(() => {}, 1000)`;
    const child = new Child(['--eval', script], { env: { NODE_OPTIONS: '' } });
    await child.printed(new RegExp(secret));
    child.signal('SIGKILL');
    await child.ended;
    expect(found()).toEqual(['child process, stdout']);
  });

  test('A secret that a child process announces is also searched for in its parent', async () => {
    const issued = randomBytes(24).toString('hex');
    const script = `(await import('switchboard-local/announcements.ts')).announceSecret('${issued}')`;
    const child = new Child(['--input-type=module', '--eval', script], { directory: process.cwd() });
    expect((await child.ended).stderr).toBe('');
    process.stdout.write(`planted for the scan: ${issued}\n`);
    expect(found()).toEqual(['stdout']);
  });
});

describe('the search', () => {
  const TOKEN = 'x7Q-k2_PbW9zR4mTfL8sVn3cYh6JdG1a';

  test.each<[string, string]>([
    ['plain', `Bearer ${TOKEN}`],
    ['in a URL', `wss://host/path?access_token=${encodeURIComponent(TOKEN)}&a=b`],
    ['in base64', Buffer.from(TOKEN).toString('base64')],
    ['in the base64 of Basic credentials', Buffer.from(`client:${TOKEN}`).toString('base64')],
    ['in other base64', Buffer.from(`id:${TOKEN}:x`).toString('base64url')],
    ['its first half', `token ${TOKEN.slice(0, 16)}…`],
    ['its second half', `token …${TOKEN.slice(-16)}`],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ token: TOKEN }))],
  ])('It finds a secret that is written %s', (_, text) => {
    expect(findSecrets([TOKEN], [{ origin: 'log', text }])).toEqual([
      { origin: 'log', excerpt: expect.any(String) },
    ]);
  });

  test.each<[string, string, string]>([
    ['with characters that JSON escapes', 'pass"word\\1', JSON.stringify({ text: 'pass"word\\1' })],
    ['with characters that URLs escape', 'päss wörd', 'https://host/?a=p%C3%A4ss%20w%C3%B6rd'],
    ['with few different characters', '00'.repeat(32), `secret ${'00'.repeat(32)}.`],
  ])('It finds a secret %s', (_, secretText, text) => {
    expect(findSecrets([secretText], [{ origin: 'log', text }])).toHaveLength(1);
  });

  test('It finds nothing in text without the secret', () => {
    const text = `${TOKEN.slice(0, 8)} 00000000-0000-4000-8000-000000000001 2026-11-21T20:30:00.000Z [redacted]`;
    expect(findSecrets([TOKEN, '00'.repeat(32)], [{ origin: 'log', text }])).toEqual([]);
  });
});
