import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';

const MAX_SOURCE_BYTES = 10_240;
const MAX_EMULATOR_LINES = 7_700;
/** Names that a tool or a convention fixes: entry points, exports, configuration files. */
const FIXED_NAMES = new Set(['index.ts', 'main.ts', 'handler.ts', 'switchboard.ts', 'vitest.config.ts']);

const sources = execFileSync('git', ['ls-files', '*.ts'], { encoding: 'utf8' }).trim().split('\n');

test('No source file outside the tests is larger than 10 KB', () => {
  const large = sources.filter((file) => !file.startsWith('test/') && statSync(file).size > MAX_SOURCE_BYTES);
  expect(large).toEqual([]);
});

test('File names are unique, so that a search for a name finds one file', () => {
  const byName = Map.groupBy(sources, (file) => basename(file));
  const repeated = [...byName].filter(([name, files]) => files.length > 1 && !FIXED_NAMES.has(name));
  expect(repeated.map(([, files]) => files)).toEqual([]);
});

test('The AWS emulator stays smaller than 7,700 lines', () => {
  const lines = sources
    .filter((file) => file.startsWith('lib/local/emulator/'))
    .map((file) => readFileSync(file, 'utf8').split('\n').length - 1);
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThan(MAX_EMULATOR_LINES);
});
