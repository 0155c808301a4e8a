import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Test files that explore more histories here than with `npm test`. */
const exploring = globSync('test/**/*.test.ts').filter((file) =>
  /^import \{ histories \}/m.test(readFileSync(file, 'utf8')),
);

/** Tests that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    setupFiles: ['test/worker-state.ts', 'test/secret-scan/setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      // One at a time, because each has several processes.
      { extends: true, test: { name: 'pipelines', include: ['test/end-to-end/*.long.ts'], maxWorkers: 1 } },
      {
        extends: true,
        test: {
          name: 'histories',
          include: exploring,
          env: { HISTORIES: 'all' },
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
