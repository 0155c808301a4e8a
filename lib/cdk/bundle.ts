import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { buildSync, type OutputFile } from 'esbuild';

const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
/** What of our dependencies is CommonJS calls `require` for Node's own modules, which an ES module has not. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Bundles made by this process; there are as many entries as deployables. */
const made = new Map<string, readonly OutputFile[]>();

/**
 * Bundle one deployable into one minified ES module with a source map, everything it imports included. Needs neither
 * a container engine nor the network. The same sources give the same bytes on any machine, so that nothing is
 * deployed again without a change.
 *
 * @param entry - TypeScript file, relative to the project's root
 * @param moduleName - name of the module, without its ending
 * @returns the directory with `<moduleName>.mjs`, inside the app's output directory
 */
export function bundle(scope: Construct, entry: string, moduleName: string): string {
  const directory = join(outputOf(scope), 'bundles', scope.node.addr);
  mkdirSync(directory, { recursive: true });
  if (!Stack.of(scope).bundlingRequired) {
    // The command line works on other stacks of the app: nothing of this one is deployed.
    writeFileSync(join(directory, `${moduleName}.mjs`), '// Not bundled.\n');
    return directory;
  }
  const files = made.get(entry) ?? buildModule(entry, moduleName);
  made.set(entry, files);
  for (const { path, contents } of files) writeFileSync(join(directory, basename(path)), contents);
  return directory;
}

/** The files of one bundled deployable: the module and its source map, neither written anywhere. */
export function buildModule(entry: string, moduleName: string): readonly OutputFile[] {
  const { outputFiles } = buildSync({
    absWorkingDir: PROJECT_ROOT,
    entryPoints: [relative(PROJECT_ROOT, resolve(PROJECT_ROOT, entry))],
    // Nothing is written there: source maps tell paths from it, and must be the same everywhere.
    outfile: `dist/${moduleName}/${moduleName}.mjs`,
    write: false,
    bundle: true,
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE_BANNER },
    logLevel: 'warning',
  });
  return outputFiles;
}

function outputOf(scope: Construct): string {
  const stage = Stage.of(scope);
  if (!stage) throw new Error('A Switchboard belongs to a stack of a CDK app');
  return stage.outdir;
}
