import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type SynthesizedApp, synthesize } from './synthesized-app.ts';
import { PROJECT_ROOT } from './test-deployment.ts';

function resourcesOf({ directory }: SynthesizedApp, stack: string): Record<string, { Type: string }> {
  return JSON.parse(readFileSync(join(directory, `${stack}.template.json`), 'utf8')).Resources;
}

test('The CDK CLI runs the app with the Node.js of the project', () => {
  const { app } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'cdk.json'), 'utf8'));
  expect(app).toBe('node_modules/.bin/node bin/app.ts');
});

test.concurrent('The app reads domain and secret from the command line and the environment', async ({
  expect,
}) => {
  using made = await synthesize('bin/app.ts', {
    context: { genesysDomain: 'mypurecloud.jp' },
    environment: { GENESYS_SECRET_NAME: 'ours/genesys', GENESYS_DOMAIN: 'mypurecloud.ie' },
  });
  const text = JSON.stringify(resourcesOf(made, 'Switchboard'));
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
  using made = await synthesize('bin/example.ts');
  const resources = Object.values(resourcesOf(made, 'WallboardTeam'));
  expect(resources.filter(({ Type }) => Type === 'AWS::Events::Rule')).toHaveLength(3);
  expect(JSON.stringify(resourcesOf(made, 'Switchboard'))).toContain('AWS::Events::Archive');
});
