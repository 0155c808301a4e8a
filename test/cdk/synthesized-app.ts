import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from './test-deployment.ts';

const run = promisify(execFile);
/** Bundling is tested in bundles.test.ts. */
const WITHOUT_BUNDLES = { 'aws:cdk:bundling-stacks': [] };

/** An app that was synthesized, until it is disposed of. */
export interface SynthesizedApp extends Disposable {
  /** Contains the templates. */
  readonly directory: string;
}

/** Runs an app as the CDK CLI does, with the `app` command of `cdk.json`, without credentials and Docker. */
export async function synthesize(
  app: string,
  settings: { context?: object; environment?: Record<string, string> } = {},
): Promise<SynthesizedApp> {
  const configured = JSON.parse(readFileSync(join(PROJECT_ROOT, 'cdk.json'), 'utf8')) as {
    app: string;
    context: object;
  };
  const [program = ''] = configured.app.split(' ');
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-app-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    await run(program, [app], {
      cwd: PROJECT_ROOT,
      env: {
        PATH: dirname(process.execPath),
        CDK_OUTDIR: directory,
        // The validation of templates is tested in template.test.ts.
        CDK_VALIDATION: 'false',
        CDK_CONTEXT_JSON: JSON.stringify({ ...configured.context, ...WITHOUT_BUNDLES, ...settings.context }),
        ...settings.environment,
      },
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, [Symbol.dispose]: remove };
}
