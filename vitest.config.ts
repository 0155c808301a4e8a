import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/contract/**'],
    // Fails a test file in which a secret was written.
    setupFiles: ['test/secret-scan/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // By default one core is left idle.
    maxWorkers: '100%',
  },
});
