import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['test/templates/**/*.e2e.ts'],
    reporters: ['verbose'],
    testTimeout: 10_000,
    hookTimeout: 120_000,
  },
});
