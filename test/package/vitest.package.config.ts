import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/package/**/*.e2e.ts'],
    reporters: ['verbose'],
    // The steps use one installation, and two compilers at once are not faster than one after the other.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // A failed step is not worth the time of the others.
    bail: 1,
  },
});
