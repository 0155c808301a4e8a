import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import { buildModule, DEPLOYABLES, REQUIRE_BANNER, writeDeployable } from '../lib/cdk/bundle.ts';
import { thirdPartyNotices } from './third-party-notices.ts';

/**
 * Builds the npm package into `dist`, which has the folders of the sources:
 *
 * - `lib/cdk` and `lib/events`: one CommonJS module each, which every CDK app can load, and declarations. Node.js can
 *   require ES modules, but Jest, which `cdk init` sets up, can only with some versions.
 * - `bin`: the command line with all its dependencies, the simulator and the emulator.
 * - `functions`: the deployables, as they are bundled from source.
 */
const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** The oldest version that `engines` of package.json allows. */
const TARGET = 'node22';

const OPTIONS = {
  absWorkingDir: ROOT,
  outdir: 'dist',
  outbase: '.',
  bundle: true,
  platform: 'node',
  target: TARGET,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

function buildLibrary(): Metafile {
  return buildSync({
    ...OPTIONS,
    entryPoints: ['lib/cdk/index.ts', 'lib/events/index.ts'],
    format: 'cjs',
    packages: 'external',
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  }).metafile;
}

function buildCommandLine(): Metafile {
  return buildSync({
    ...OPTIONS,
    entryPoints: ['bin/switchboard.ts'],
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    // Loaded when they are needed. They are in the folder of the sources that look for files beside them.
    splitting: true,
    chunkNames: 'bin/local/[name]-[hash]',
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE_BANNER },
  }).metafile;
}

function buildDeployables(): Metafile[] {
  return Object.values(DEPLOYABLES).map((deployable) => {
    const { outputFiles, metafile } = buildModule(deployable.entry, deployable.moduleName);
    writeDeployable(deployable, join(DIST, dirname(deployable.entry)), outputFiles);
    return metafile;
  });
}

/** Emits declarations. tsc does not rewrite the extensions of their imports, and not every editor resolves `.ts`. */
function declare(): void {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', 'build/tsconfig.json'], { cwd: ROOT, stdio: 'inherit' });
  for (const name of globSync('**/*.d.ts', { cwd: DIST })) {
    const file = join(DIST, name);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/(["'])(\.\.?\/[^"']+)\.ts\1/g, '$1$2.js$1'));
  }
}

rmSync(DIST, { recursive: true, force: true });
const metafiles = [...buildDeployables(), buildLibrary(), buildCommandLine()];
declare();
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(ROOT, metafiles));
