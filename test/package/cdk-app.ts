import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

/** The root of this project. */
export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
const BIN = 'node_modules/.bin';
/** Longest time that a command may run. */
const MAX_COMMAND_MS = 120_000;
const MAX_OUTPUT_BYTES = 64 * 1_024 * 1_024;

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** The options that influence the run of a command. */
export interface CommandOptions {
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a program. The programs of the directory and this Node.js precede all others.
 *
 * @returns its standard output
 * @throws Error with its output if its exit code is not 0, or if it runs too long
 */
export function run(
  program: string,
  programArguments: readonly string[],
  { directory, environment = process.env }: CommandOptions,
): Promise<string> {
  const PATH = [join(directory, BIN), dirname(process.execPath), process.env.PATH].join(delimiter);
  const options = {
    cwd: directory,
    env: { ...environment, PATH },
    timeout: MAX_COMMAND_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  };
  return new Promise((done, fail) => {
    execFile(program, programArguments, options, (error, stdout, stderr) => {
      if (!error) return done(stdout);
      fail(
        new Error(`${program} ${programArguments.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error }),
      );
    });
  });
}

/** An app as `cdk init` makes it, in which the package is installed. It is deleted at the end. */
export class CdkApp implements Disposable {
  readonly directory: string;
  readonly packageDirectory: string;
  private readonly temporary = mkdtempSync(join(tmpdir(), 'switchboard-package-'));

  constructor() {
    // `cdk init` names the stack after the directory.
    this.directory = join(this.temporary, 'wallboard');
    this.packageDirectory = join(this.directory, 'node_modules/switchboard');
    mkdirSync(this.directory);
  }

  /** Packs this project, makes the app and installs the package into it. */
  async install(): Promise<void> {
    const { directory, temporary } = this;
    const packed = await run('npm', ['pack', '--json', '--pack-destination', temporary], {
      directory: PROJECT_ROOT,
    });
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
    const cdk = join(PROJECT_ROOT, BIN, 'cdk');
    await run(cdk, ['init', 'app', '--language', 'typescript', '--generate-only'], { directory });
    this.pinVersions();
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(temporary, filename)], {
      directory,
    });
  }

  /** Makes an app beside this one that uses ES modules and the same packages. @returns its directory */
  esModules(): string {
    const directory = join(this.temporary, 'es-modules');
    for (const name of ['cdk.json', 'package.json', 'tsconfig.json', 'bin', 'lib'])
      cpSync(join(this.directory, name), join(directory, name), { recursive: true });
    symlinkSync(join(this.directory, 'node_modules'), join(directory, 'node_modules'));
    const manifest = join(directory, 'package.json');
    writeFileSync(
      manifest,
      JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), type: 'module' }),
    );
    const main = join(directory, 'bin/wallboard.ts');
    writeFileSync(main, readFileSync(main, 'utf8').replace("wallboard-stack'", "wallboard-stack.js'"));
    return directory;
  }

  write(file: string, content: string): void {
    writeFileSync(join(this.directory, file), content);
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), 'utf8');
  }

  [Symbol.dispose](): void {
    rmSync(this.temporary, { recursive: true, force: true });
  }

  /** Replaces ranges of versions by the versions of this project, as far as it uses the same packages. */
  private pinVersions(): void {
    const ours = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as Manifest;
    const theirs = JSON.parse(this.read('package.json')) as Manifest;
    const pinned = (packages: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(packages).map(([name, range]) => [name, ours.devDependencies[name] ?? range]),
      );
    const { dependencies, devDependencies } = theirs;
    this.write(
      'package.json',
      JSON.stringify({
        ...theirs,
        dependencies: pinned(dependencies),
        devDependencies: pinned(devDependencies),
      }),
    );
  }
}
