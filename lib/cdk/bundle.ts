import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { BuildResult } from 'esbuild';

/** The root of the sources. In the package, `dist`, which has the same folders. */
const ROOT = resolve(import.meta.dirname, '../..');
/** In the package, this file is JavaScript, and the deployables are bundled. */
const IS_PACKAGE = extname(import.meta.filename) !== '.ts';
/** Defines `require`, which ES modules lack and which CommonJS dependencies call for Node.js built-in modules. */
export const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** What runs in AWS: the entry point, the name of the bundled module without its extension, and how the image is made. */
export const DEPLOYABLES = {
  consumer: { entry: 'functions/consumer/handler.ts', moduleName: 'index' },
  backfill: { entry: 'functions/backfill/handler.ts', moduleName: 'backfill' },
  webhook: { entry: 'functions/webhook/handler.ts', moduleName: 'webhook' },
  delivery: { entry: 'functions/delivery/handler.ts', moduleName: 'delivery' },
  'delivery-order': { entry: 'functions/delivery-order/handler.ts', moduleName: 'delivery-order' },
  ingester: {
    entry: 'functions/ingester/main.ts',
    moduleName: 'main',
    dockerfile: 'lib/cdk/ingester.Dockerfile',
  },
} as const satisfies Record<string, Deployable>;

interface Deployable {
  readonly entry: string;
  readonly moduleName: string;
  readonly dockerfile?: string;
}

interface ModuleFile {
  readonly path: string;
  readonly contents: string | Uint8Array;
}

/** A module and its source map, not written, and what they consist of. */
export type BuiltModule = BuildResult<{ write: false; metafile: true }>;

/** Modules built by this process, by entry file. The number of entries is the number of deployables. */
const cache = new Map<string, BuiltModule>();

/**
 * Returns a directory with a deployable and all its dependencies: `<moduleName>.mjs`, a minified ES module, its source
 * map, and the Dockerfile if it has one. The package contains that directory. From source, it is made in the output
 * directory of the app, which needs neither Docker nor network access. Both have the same content on every machine, so
 * that unchanged sources are not deployed again.
 */
export function bundle(scope: Construct, name: keyof typeof DEPLOYABLES): string {
  const deployable = DEPLOYABLES[name];
  if (IS_PACKAGE) return join(ROOT, dirname(deployable.entry));
  const directory = join(outputOf(scope), 'bundles', scope.node.addr);
  // If the CDK CLI selected other stacks of the app, this stack is not deployed.
  const built = Stack.of(scope).bundlingRequired ? builtOnce(deployable) : undefined;
  writeDeployable(deployable, directory, built?.outputFiles);
  return directory;
}

/** Writes a deployable into a directory, which is created. */
export function writeDeployable(
  { moduleName, dockerfile }: Deployable,
  directory: string,
  files: readonly ModuleFile[] = [{ path: `${moduleName}.mjs`, contents: '// Not bundled.\n' }],
): void {
  mkdirSync(directory, { recursive: true });
  for (const { path, contents } of files) writeFileSync(join(directory, basename(path)), contents);
  if (dockerfile) copyFileSync(join(ROOT, dockerfile), join(directory, 'Dockerfile'));
}

function builtOnce({ entry, moduleName }: Deployable): BuiltModule {
  const built = cache.get(entry) ?? buildModule(entry, moduleName);
  cache.set(entry, built);
  return built;
}

/**
 * Bundles a module in memory.
 *
 * @param entry - TypeScript file, relative to the root of the sources
 */
export function buildModule(entry: string, moduleName: string): BuiltModule {
  // Loaded when it is needed, because the package does not depend on it.
  const { buildSync } = createRequire(import.meta.filename)('esbuild') as typeof import('esbuild');
  return buildSync({
    absWorkingDir: ROOT,
    entryPoints: [relative(ROOT, resolve(ROOT, entry))],
    // Not written. Paths in the source map are relative to it and must be the same on every machine.
    outfile: `dist/${moduleName}/${moduleName}.mjs`,
    write: false,
    metafile: true,
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
}

function outputOf(scope: Construct): string {
  const stage = Stage.of(scope);
  if (!stage) throw new Error('Switchboard must be created in the scope of a CDK app');
  return stage.outdir;
}
