import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DIFFERENCES } from './differences.ts';

const TEST_FILES = /(?<!differences)\.test\.ts$/;

async function contractIds(): Promise<string[]> {
  const names = (await readdir(import.meta.dirname)).filter((name) => TEST_FILES.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  return texts.flatMap((text) => [...text.matchAll(/\bcontract\(\s*'([^']+)'/g)].map(([, id]) => id ?? ''));
}

test('Every contract id is unique', async () => {
  const ids = await contractIds();
  expect(ids.length).toBeGreaterThan(0);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test('Every known difference names a behavior of the suite, once per endpoint', async () => {
  const ids = new Set(await contractIds());
  expect(DIFFERENCES.filter(({ id }) => !ids.has(id))).toEqual([]);
  const keys = DIFFERENCES.map(({ endpoint, id }) => `${endpoint} ${id}`);
  expect(new Set(keys).size).toBe(keys.length);
});
