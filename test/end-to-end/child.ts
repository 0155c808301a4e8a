import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';

/** The command line's entry point. */
export const COMMAND_LINE = resolve(import.meta.dirname, '../../bin/switchboard.ts');
/** Environment variables that would change the behavior of the command line. They are not inherited. */
const CONFIGURATION_VARIABLES =
  /^(AWS_|GENESYS_|POWERTOOLS_|NODE_OPTIONS|LOG_LEVEL|TOPICS|NO_COLOR|FORCE_COLOR|VITEST)/;

/** Exit code and output of a child process. */
export interface ChildResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Creates a directory without a `.env` file. It is removed after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-'));
  directories.push(directory);
  return directory;
}

/** A Node.js child process and its output. */
export class Child {
  stdout = '';
  stderr = '';
  readonly ended: Promise<ChildResult>;
  private readonly process: ChildProcess;
  private readonly watchers = new Set<() => void>();

  /** @param nodeArguments - arguments of `node`, including the script */
  constructor(
    nodeArguments: readonly string[],
    options: { env?: Record<string, string>; directory?: string; input?: string } = {},
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !CONFIGURATION_VARIABLES.test(name));
    this.process = spawn(process.execPath, nodeArguments, {
      cwd: options.directory ?? temporaryDirectory(),
      env: { ...Object.fromEntries(inherited), ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.process.stdin?.end(options.input);
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

  /** Resolves when the output matches. Rejects if the process ends before. */
  async printed(pattern: RegExp): Promise<void> {
    const matched = Promise.withResolvers<void>();
    const check = () => {
      if (pattern.test(this.stdout) || pattern.test(this.stderr)) matched.resolve();
    };
    this.watchers.add(check);
    check();
    const ended = this.ended.then(({ code, stdout, stderr }) => {
      if (pattern.test(stdout) || pattern.test(stderr)) return;
      throw new Error(
        `The process ended with code ${code} before it printed ${pattern}:\n${stdout}\n${stderr}`,
      );
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

/** Runs the command line. */
export function switchboard(
  commandLine: readonly string[],
  options: {
    env?: Record<string, string>;
    directory?: string;
    nodeArguments?: readonly string[];
    /** Written to standard input. */
    input?: string;
  } = {},
): Child {
  return new Child([...(options.nodeArguments ?? []), COMMAND_LINE, ...commandLine], options);
}

/** Parses the last line of the output as a JSON object. */
export function lastLine(stdout: string): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}
