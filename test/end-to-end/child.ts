import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';

const COMMAND_LINE = resolve(import.meta.dirname, '../../bin/switchboard.ts');
/** Variables that would change what the command line does. */
const OURS = /^(AWS_|GENESYS_|POWERTOOLS_|NODE_OPTIONS|LOG_LEVEL|TOPICS|NO_COLOR|FORCE_COLOR|VITEST)/;

/** What a child process came to. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A directory of its own, so that no `.env` is found; it is removed when the tests of the file are over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-'));
  directories.push(directory);
  return directory;
}

/** A run of Node.js with its output. */
export class Child {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  private readonly process: ChildProcess;
  private readonly watchers = new Set<() => void>();

  /** @param nodeArguments - those of `node` itself, the script included */
  constructor(
    nodeArguments: readonly string[],
    options: { env?: Record<string, string>; directory?: string } = {},
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !OURS.test(name));
    this.process = spawn(process.execPath, nodeArguments, {
      cwd: options.directory ?? temporaryDirectory(),
      env: { ...Object.fromEntries(inherited), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const check of this.watchers) check();
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const check of this.watchers) check();
    });
    this.ended = new Promise((done, fail) => {
      this.process.once('error', fail);
      this.process.once('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when the output matches; rejects when the process ends before. */
  async printed(pattern: RegExp): Promise<void> {
    const matched = Promise.withResolvers<void>();
    const check = () => {
      if (pattern.test(this.stdout) || pattern.test(this.stderr)) matched.resolve();
    };
    this.watchers.add(check);
    check();
    const ended = this.ended.then(({ code, stdout, stderr }) => {
      if (pattern.test(stdout) || pattern.test(stderr)) return;
      throw new Error(`Ended with code ${code} without ${pattern}:\n${stdout}\n${stderr}`);
    });
    try {
      await Promise.race([matched.promise, ended]);
    } finally {
      this.watchers.delete(check);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }
}

/** Run the command line. */
export function switchboard(
  commandLine: readonly string[],
  options: { env?: Record<string, string>; directory?: string; nodeArguments?: readonly string[] } = {},
): Child {
  return new Child([...(options.nodeArguments ?? []), COMMAND_LINE, ...commandLine], options);
}

/** The JSON object of a run's last line. */
export function lastLine(stdout: string): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}
