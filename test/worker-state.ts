import { afterAll, vi } from 'vitest';
import { forgetSecrets } from '../lib/events/redaction.ts';

// Runs before each test file. Most files share their worker with others, which must find nothing that is left over.
afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  forgetSecrets();
});
