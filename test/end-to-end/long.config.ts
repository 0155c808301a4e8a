import { defineConfig } from 'vitest/config';

/** Tests that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    setupFiles: ['test/secret-scan/setup.ts'],
    include: ['test/end-to-end/*.long.ts'],
  },
});
