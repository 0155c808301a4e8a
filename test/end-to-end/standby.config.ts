import { defineConfig } from 'vitest/config';

/** Tests of two tasks: `npm run test:standby`. `KILLS` sets the number of kills, `SEED` their moments. */
export default defineConfig({
  test: {
    include: ['test/end-to-end/*.standby.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
