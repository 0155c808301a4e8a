import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { LocalDeploymentError } from './local-deployment-error.ts';

export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
/** From SIGTERM to SIGKILL: longer than the ingester takes to drain. */
const STOP_LIMIT_MS = 35_000;

/** How to run a program. */
export interface RunOptions {
  environment: Readonly<Record<string, string | undefined>>;
  /** Ends it with SIGTERM. */
  interrupted: AbortSignal;
}

/**
 * Run a script with this Node.js until it ends, its output shown as it comes.
 *
 * An interruption is passed on as SIGTERM whatever it was: on Ctrl-C a terminal sends SIGINT to every process by
 * itself, and a second one would cut short what the first one started.
 *
 * @returns its exit code, 1 where a signal ended it
 */
export function runNode(nodeArguments: readonly string[], options: RunOptions): Promise<number> {
  const { environment, interrupted } = options;
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, nodeArguments, {
      cwd: PROJECT_ROOT,
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    let killing: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      killing = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    };
    if (interrupted.aborted) stop();
    interrupted.addEventListener('abort', stop, { once: true });
    const over = () => {
      clearTimeout(killing);
      interrupted.removeEventListener('abort', stop);
    };
    child.once('error', (error) => {
      over();
      fail(error);
    });
    child.once('close', (code) => {
      over();
      done(code ?? 1);
    });
  });
}

/** @throws LocalDeploymentError when the CDK command line ends with another code than 0 */
export async function runCdk(cdkArguments: readonly string[], options: RunOptions): Promise<void> {
  process.stdout.write(`\n$ cdk ${cdkArguments.join(' ')}\n`);
  const code = await runNode([join(PROJECT_ROOT, 'node_modules/aws-cdk/bin/cdk'), ...cdkArguments], options);
  if (code === 0) return;
  throw new LocalDeploymentError(
    'command_failed',
    `cdk ${cdkArguments[0]} ended with code ${code}; its output above says why.`,
  );
}
