import { defineConfig } from 'vitest/config';

/** Tests that kill processes: `npm run test:kill`. `KILLS` sets the number of kills, 50 by default. */
export default defineConfig({
  test: {
    setupFiles: ['test/secret-scan/setup.ts'],
    include: ['test/end-to-end/*.kill.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
