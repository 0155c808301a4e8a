import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { buildSync, type OutputFile } from 'esbuild';

const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
/** Defines `require`, which ES modules lack and which CommonJS dependencies call for Node.js built-in modules. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Bundles built by this process, by entry file. The number of entries is the number of deployables. */
const cache = new Map<string, readonly OutputFile[]>();

/**
 * Bundles a deployable and all its dependencies into a minified ES module with a source map. Bundling needs neither
 * Docker nor network access. The output is reproducible: unchanged sources are not deployed again.
 *
 * @param entry - TypeScript file, relative to the project root
 * @param moduleName - name of the module, without its extension
 * @returns the directory that contains `<moduleName>.mjs`, in the output directory of the app
 */
export function bundle(scope: Construct, entry: string, moduleName: string): string {
  const directory = join(outputOf(scope), 'bundles', scope.node.addr);
  mkdirSync(directory, { recursive: true });
  if (!Stack.of(scope).bundlingRequired) {
    // The CDK CLI selected other stacks of the app, so this stack is not deployed.
    writeFileSync(join(directory, `${moduleName}.mjs`), '// Not bundled.\n');
    return directory;
  }
  const files = cache.get(entry) ?? buildModule(entry, moduleName);
  cache.set(entry, files);
  for (const { path, contents } of files) writeFileSync(join(directory, basename(path)), contents);
  return directory;
}

/** Bundles a deployable in memory. @returns the module and its source map */
export function buildModule(entry: string, moduleName: string): readonly OutputFile[] {
  const { outputFiles } = buildSync({
    absWorkingDir: PROJECT_ROOT,
    entryPoints: [relative(PROJECT_ROOT, resolve(PROJECT_ROOT, entry))],
    // Not written. Paths in the source map are relative to it and must be the same on every machine.
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
  if (!stage) throw new Error('Switchboard must be created in the scope of a CDK app');
  return stage.outdir;
}
