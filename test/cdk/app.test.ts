import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from './test-deployment.ts';

const run = promisify(execFile);
/** Bundling is tested in bundles.test.ts. */
const WITHOUT_BUNDLES = { 'aws:cdk:bundling-stacks': [] };

const outdirs: string[] = [];
afterAll(() => {
  for (const outdir of outdirs) rmSync(outdir, { recursive: true, force: true });
});

/** Runs an app as the CDK CLI does, with the `app` command of `cdk.json`, without credentials and Docker. */
async function synthesize(
  app: string,
  settings: { context?: object; environment?: Record<string, string> } = {},
): Promise<(stack: string) => { Resources: Record<string, { Type: string }> }> {
  const outdir = mkdtempSync(join(tmpdir(), 'switchboard-app-'));
  outdirs.push(outdir);
  const configured = JSON.parse(readFileSync(join(PROJECT_ROOT, 'cdk.json'), 'utf8')) as {
    app: string;
    context: object;
  };
  expect(configured.app).toBe('node_modules/.bin/node bin/app.ts');
  const [program = ''] = configured.app.split(' ');
  await run(program, [app], {
    cwd: PROJECT_ROOT,
    env: {
      PATH: dirname(process.execPath),
      CDK_OUTDIR: outdir,
      // The validation of templates is tested in template.test.ts.
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify({ ...configured.context, ...WITHOUT_BUNDLES, ...settings.context }),
      ...settings.environment,
    },
  });
  return (stack) => JSON.parse(readFileSync(join(outdir, `${stack}.template.json`), 'utf8'));
}

test.concurrent('The app reads domain and secret from the command line and the environment', async ({
  expect,
}) => {
  const template = await synthesize('bin/app.ts', {
    context: { genesysDomain: 'mypurecloud.jp' },
    environment: { GENESYS_SECRET_NAME: 'ours/genesys', GENESYS_DOMAIN: 'mypurecloud.ie' },
  });
  const text = JSON.stringify(template('Switchboard').Resources);
  expect(text).toContain('"Value":"mypurecloud.jp"');
  expect(text).toContain('"Name":"ours/genesys"');
});

test.concurrent('An invalid option on the command line fails the synthesis with the problem', async ({
  expect,
}) => {
  await expect(
    synthesize('bin/app.ts', { context: { genesysDomain: 'mypurecloud.example' } }),
  ).rejects.toThrow(
    /has 1 problem\(s\):\n {2}- genesysDomain mypurecloud\.example is not the domain of a Genesys Cloud region/,
  );
});

test.concurrent('The example app creates rules in a second stack', async ({ expect }) => {
  const template = await synthesize('bin/example.ts');
  const resources = Object.values(template('WallboardTeam').Resources);
  expect(resources.filter(({ Type }) => Type === 'AWS::Events::Rule')).toHaveLength(3);
  expect(JSON.stringify(template('Switchboard').Resources)).toContain('AWS::Events::Archive');
});
