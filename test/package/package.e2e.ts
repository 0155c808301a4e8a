import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localEndpoint } from '../../bin/deploy-local/local-endpoint.ts';
import { Switchboard } from '../../lib/cdk/index.ts';
import { DELIVERIES, HANDLER, MISTAKES, PROPERTIES, STACK, TEST } from './app-sources.ts';
import { CdkApp, PROJECT_ROOT, run } from './cdk-app.ts';
import { deployApp, sendThrough } from './installed-deployment.ts';
import { LocalDeliveries } from './local-deliveries.ts';

/** Metadata that the construct does not decide. */
const WITHOUT_METADATA = [
  '--version-reporting',
  'false',
  '--path-metadata',
  'false',
  '--asset-metadata',
  'false',
];
/** Compiles also the declarations of packages. */
const ALL_DECLARATIONS = ['--skipLibCheck', 'false'];
const EVENTS = 1_000;
const MAX_DELIVERED_MS = 60_000;

const app = new CdkApp();
beforeAll(async () => {
  await app.install();
  app.write('lib/wallboard-stack.ts', STACK);
  app.write('lib/presence-handler.ts', HANDLER);
  app.write('test/wallboard.test.ts', TEST);
});
afterAll(() => app[Symbol.dispose]());

/** Compiles and synthesizes the app with the CDK CLI, as `cdk.json` says. */
async function synthesized(directory: string): Promise<unknown> {
  await run('cdk', ['synth', '--quiet', ...WITHOUT_METADATA], { directory });
  return JSON.parse(readFileSync(join(directory, 'cdk.out/WallboardStack.template.json'), 'utf8'));
}

/** Synthesizes the same stack from source. */
function fromSource(): unknown {
  const { context } = JSON.parse(app.read('cdk.json'));
  const stack = new Stack(new App({ context, outdir: join(app.directory, 'from-source') }), 'WallboardStack');
  const switchboard = new Switchboard(stack, 'Switchboard', PROPERTIES);
  for (const [name, options] of Object.entries(DELIVERIES)) switchboard.deliverTo(name, options);
  return Template.fromStack(stack).toJSON();
}

describe('The package', () => {
  const files = () => globSync('**/*.*', { cwd: app.packageDirectory });

  test('It contains declarations and no other TypeScript, and no test', () => {
    expect(files()).toContain('dist/lib/cdk/index.d.ts');
    expect(files().filter((name) => /(?<!\.d)\.[cm]?ts$/.test(name))).toEqual([]);
    expect(files().filter((name) => /\.(test|e2e|long|kill)\.|(^|\/)test\//.test(name))).toEqual([]);
  });

  test('It contains no path of the machine that built it', () => {
    for (const name of files()) {
      const content = readFileSync(join(app.packageDirectory, name), 'utf8');
      expect(content.includes(PROJECT_ROOT), name).toBe(false);
      if (!name.endsWith('.map')) continue;
      const { sources, sourcesContent } = JSON.parse(content);
      expect(
        sources.filter((source: string) => !source.startsWith('../')),
        name,
      ).toEqual([]);
      expect(sourcesContent, name).toBeUndefined();
    }
  });

  test('It contains the licenses of the packages whose code is in it', () => {
    const notices = readFileSync(join(app.packageDirectory, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
    const { packages } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package-lock.json'), 'utf8'));
    for (const name of ['@aws-sdk/client-sqs', '@middy/core', 'commander', 'ws', 'zod'])
      expect(notices).toContain(`\n${name} ${packages[`node_modules/${name}`].version} (`);
  });
});

describe('An app as cdk init makes it, with CommonJS', () => {
  test('It compiles, and synthesizes the stack that the sources synthesize', async () => {
    expect(await synthesized(app.directory)).toEqual(fromSource());
  });

  test('Its tests run with Jest', async () => {
    await run('npm', ['test'], { directory: app.directory });
  });

  test('It deploys to an AWS emulator, and events pass through the deployed stack to the bus and to both destinations', async () => {
    const endpoint = localEndpoint(process.env);
    const outputs = await deployApp(app, endpoint);
    await using deliveries = await LocalDeliveries.start(Object.keys(DELIVERIES), endpoint);
    const { report, eventIds } = await sendThrough(app, outputs, { endpoint, topics: PROPERTIES.topics });
    expect(report).toMatchObject({ lost: 0, publishedTwice: 0, unexpected: 0 });
    expect(report.published).toBe(report.sent);
    expect(report.sent).toBeGreaterThan(0);
    for (const [name, { match }] of Object.entries(DELIVERIES)) {
      const published = eventIds.get(match.detailTypes[0]);
      expect(published?.size).toBeGreaterThan(0);
      await expect
        .poll(() => deliveries.requests(name).length, { timeout: MAX_DELIVERED_MS })
        .toBeGreaterThanOrEqual(Number(published?.size));
      const delivered = deliveries.verifiedIds(name);
      expect(new Set(delivered)).toEqual(published);
      expect(delivered).toHaveLength(Number(published?.size));
    }
    const mapped = Object.keys(DELIVERIES['Crm-1'].fields).sort();
    for (const { body } of deliveries.requests('Crm-1'))
      expect(Object.keys(JSON.parse(body)).sort()).toEqual(mapped);
  });

  test('The compiler reports wrong properties, and has every declaration that it needs', async () => {
    await run('tsc', ALL_DECLARATIONS, { directory: app.directory });
    app.write('lib/mistakes.ts', MISTAKES);
    const failed = await run('tsc', [], { directory: app.directory }).catch(({ message }: Error) => message);
    expect(failed).toMatch(/mistakes\.ts\(3,\d+\).*retention/);
    expect(failed).toMatch(/mistakes\.ts\(4,\d+\).*"LOUD"/);
    app.write('lib/mistakes.ts', '');
  });
});

test('An app with ES modules compiles, and synthesizes the same stack', async () => {
  const directory = app.esModules();
  await run('tsc', [...ALL_DECLARATIONS, '--module', 'esnext', '--moduleResolution', 'bundler'], {
    directory,
  });
  expect(await synthesized(directory)).toEqual(fromSource());
});

describe('The command line', () => {
  test('It describes its commands', async () => {
    const help = await run('npx', ['switchboard', '--help'], { directory: app.directory });
    expect(help).toContain('local [options]');
  });

  test.each([[[]], [['--tasks', '2']]])(
    'It runs the pipeline on this machine with the options %j',
    async (options) => {
      const output = await run(
        'npx',
        [
          ...['switchboard', 'local', '--events', String(EVENTS), '--rate', String(EVENTS)],
          ...['--exit', '--json', '--health-port', '0', ...options],
        ],
        { directory: app.directory },
      );
      expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toMatchObject({ sent: EVENTS, lost: 0 });
    },
  );
});
