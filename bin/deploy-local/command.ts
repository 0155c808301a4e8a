import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { LocalDeploymentError } from './local-deployment-error.ts';

export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
/** Time from SIGTERM to SIGKILL. It is longer than the drain limit of the ingester. */
const STOP_TIMEOUT_MS = 35_000;

/** Options for running a child process. */
export interface RunOptions {
  environment: Readonly<Record<string, string | undefined>>;
  /** Ends the process with SIGTERM when aborted. */
  interrupted: AbortSignal;
}

/**
 * Runs a script with this Node.js and shows its output.
 *
 * Every interruption is passed on as SIGTERM: on Ctrl-C, a terminal sends SIGINT to all processes, and a second SIGINT
 * would interrupt their graceful shutdown.
 *
 * @returns the exit code of the process; 1 if a signal ended it
 */
export function runNode(nodeArguments: readonly string[], options: RunOptions): Promise<number> {
  const { environment, interrupted } = options;
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, nodeArguments, {
      cwd: PROJECT_ROOT,
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    let killTimer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      killTimer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    };
    if (interrupted.aborted) stop();
    interrupted.addEventListener('abort', stop, { once: true });
    const cleanUp = () => {
      clearTimeout(killTimer);
      interrupted.removeEventListener('abort', stop);
    };
    child.once('error', (error) => {
      cleanUp();
      fail(error);
    });
    child.once('close', (code) => {
      cleanUp();
      done(code ?? 1);
    });
  });
}

/**
 * Runs the CDK CLI.
 *
 * @throws {@link LocalDeploymentError} if the exit code is not 0
 */
export async function runCdk(cdkArguments: readonly string[], options: RunOptions): Promise<void> {
  process.stdout.write(`\n$ cdk ${cdkArguments.join(' ')}\n`);
  const code = await runNode([join(PROJECT_ROOT, 'node_modules/aws-cdk/bin/cdk'), ...cdkArguments], options);
  if (code === 0) return;
  throw new LocalDeploymentError(
    'command_failed',
    `cdk ${cdkArguments[0]} failed with exit code ${code}. See its output above.`,
  );
}
