import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const exclude = ['test/contract/**'];
/** A mock of a module has no effect on modules that were evaluated before, and stays in those that are evaluated now. */
const MOCKS_MODULES = /\bvi\.(?:mock|resetModules)\(/;
const mocking = globSync('test/**/*.test.ts').filter((file) =>
  MOCKS_MODULES.test(readFileSync(file, 'utf8')),
);

export default defineConfig({
  test: {
    // The first restores the state of the worker, the second fails a test file in which a secret was written.
    setupFiles: ['test/worker-state.ts', 'test/secret-scan/setup.ts'],
    // They only end what hangs: on a machine that is busy with other work, a test can take ten times as long.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    // By default one core is left idle.
    maxWorkers: '100%',
    // Child processes, most of which run the command line, load compiled code.
    env: { NODE_COMPILE_CACHE: resolve('node_modules/.cache/node-compile-cache') },
    projects: [
      { extends: true, test: { name: 'isolated', include: mocking, exclude } },
      // Half of the time would be spent on evaluating the same modules again for each file.
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...exclude, ...mocking],
          isolate: false,
        },
      },
    ],
  },
});
