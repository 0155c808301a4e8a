import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/deploy/**/*.e2e.ts'],
    reporters: ['verbose'],
    // The test prints its figures to standard output.
    disableConsoleIntercept: true,
    testTimeout: 240_000,
    hookTimeout: 60_000,
  },
});
