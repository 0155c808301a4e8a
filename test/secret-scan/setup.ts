import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Finding } from './secret-search.ts';
import { children, records } from './worker-scan.ts';

// Runs before each test file. P7: no secret is in anything that is written.
const directory = mkdtempSync(join(tmpdir(), 'switchboard-scan-'));
children.directory = directory;
records.clear();

/** What tests hand over themselves: lines of logs that are not written anywhere. */
globalThis.writtenInTest = (origin, text) => records.text(origin, text);
/** For the tests of the scan: what it finds so far. What was found is forgotten. */
globalThis.takeFindings = () => {
  records.addFrom(directory);
  return records.takeFindings();
};

afterAll(() => {
  const found = globalThis.takeFindings();
  rmSync(directory, { recursive: true, force: true });
  expect(found, 'A secret was written (P7)').toEqual([]);
});

declare global {
  var writtenInTest: (origin: string, text: string) => void;
  var takeFindings: () => Finding[];
}
