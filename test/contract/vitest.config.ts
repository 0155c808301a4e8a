import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/contract/**/*.test.ts'],
    globalSetup: ['test/contract/contract-endpoint.ts'],
    // Prints the name of each behavior, and with it every known difference.
    reporters: ['verbose'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
