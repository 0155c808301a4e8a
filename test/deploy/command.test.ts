import { existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runNode } from '../../bin/deploy-local/command.ts';
import { Child, temporaryDirectory } from '../end-to-end/child.ts';

const DEPLOY_LOCAL = resolve(import.meta.dirname, '../../bin/deploy-local.ts');

test.concurrent('without a stand-in the command is refused, with how to start one', async ({ expect }) => {
  const { code, stdout, stderr } = await new Child([DEPLOY_LOCAL]).ended;
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^AWS_ENDPOINT_URL is not set\. Start a stand-in/);
});

test.concurrent('AWS itself is refused', async ({ expect }) => {
  const env = { AWS_ENDPOINT_URL: 'https://cloudformation.us-east-1.amazonaws.com' };
  const { code, stdout, stderr } = await new Child([DEPLOY_LOCAL], { env }).ended;
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('only deploys to this machine');
});

test.concurrent('--help names the flag and the environment', async ({ expect }) => {
  const { code, stdout } = await new Child([DEPLOY_LOCAL, '--help']).ended;
  expect(code).toBe(0);
  for (const word of ['--no-ingester', 'AWS_ENDPOINT_URL', 'GENESYS_CLIENT_ID', 'TOPICS'])
    expect(stdout).toContain(word);
});

test('an interruption ends what runs, and its exit code is told', async () => {
  const controller = new AbortController();
  const ready = join(temporaryDirectory(), 'ready');
  const script = `
    process.on('SIGTERM', () => process.exit(7));
    setInterval(() => {}, 1000);
    require('node:fs').writeFileSync(${JSON.stringify(ready)}, '');`;
  const code = runNode(['-e', script], {
    environment: { PATH: process.env.PATH },
    interrupted: controller.signal,
  });
  await expect.poll(() => existsSync(ready)).toBe(true);
  controller.abort();
  expect(await code).toBe(7);
  rmSync(dirname(ready), { recursive: true });
});
