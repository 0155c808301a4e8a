import { defineConfig } from 'vitest/config';

/** For mutation tests: without the tests that explore many histories, because they take long and kill no more mutants. */
export default defineConfig({
  test: {
    include: ['test/consumer/**/*.test.ts'],
    exclude: ['test/consumer/{properties,protocol-model,fuzz}.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
