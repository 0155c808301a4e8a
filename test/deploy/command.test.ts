import { existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runNode } from '../../bin/deploy-local/command.ts';
import { Child, temporaryDirectory } from '../end-to-end/child.ts';

const DEPLOY_LOCAL = resolve(import.meta.dirname, '../../bin/deploy-local.ts');

test.concurrent('deploy-local fails without an endpoint and explains how to start an emulator', async ({
  expect,
}) => {
  const { code, stdout, stderr } = await new Child([DEPLOY_LOCAL]).ended;
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^AWS_ENDPOINT_URL is not set\. Start an AWS emulator/);
});

test.concurrent('deploy-local refuses to deploy to AWS', async ({ expect }) => {
  const env = { AWS_ENDPOINT_URL: 'https://cloudformation.us-east-1.amazonaws.com' };
  const { code, stdout, stderr } = await new Child([DEPLOY_LOCAL], { env }).ended;
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('only deploys to this machine');
});

test.concurrent('deploy-local --help describes the option and the environment variables', async ({
  expect,
}) => {
  const { code, stdout } = await new Child([DEPLOY_LOCAL, '--help']).ended;
  expect(code).toBe(0);
  for (const word of ['--no-ingester', 'AWS_ENDPOINT_URL', 'GENESYS_CLIENT_ID', 'TOPICS'])
    expect(stdout).toContain(word);
});

test('An interruption ends the running process, and its exit code is returned', async () => {
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
