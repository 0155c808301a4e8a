import { mkdtempDisposableSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SynthesizedApp, synthesize } from '../cdk/synthesized-app.ts';
import { exceptionsUnder, stale, unlisted } from './security-document.ts';
import { type FileFinding, lint, scan } from './template-tools.ts';

const DOCKERFILE = 'lib/cdk/ingester.Dockerfile';
const EVERY_OPTION = 'EveryOption.template.json';

const apps: SynthesizedApp[] = [];
let lines: string[];
let findings: FileFinding[];

beforeAll(async () => {
  for (const [app, context] of [
    ['bin/app.ts', {}],
    ['bin/app.ts', { emulator: 'true' }],
    ['bin/example.ts', {}],
    ['test/templates/every-option-app.ts', {}],
  ] as const)
    apps.push(await synthesize(app, { context }));
  const templates = apps.flatMap(({ directory }) =>
    readdirSync(directory)
      .filter((name) => name.endsWith('.template.json'))
      .map((name) => join(directory, name)),
  );
  expect(templates).toHaveLength(5);
  [lines, findings] = await Promise.all([lint(templates), scan(templates, DOCKERFILE)]);
});
afterAll(() => {
  for (const app of apps) app[Symbol.dispose]();
});

test('cfn-lint reports an error in a template', async () => {
  using empty = mkdtempDisposableSync(join(tmpdir(), 'switchboard-template-'));
  const template = join(empty.path, 'invalid.template.json');
  writeFileSync(template, '{"Resources":{"Queue":{"Type":"AWS::SQS::Queue","Properties":{"Color":"red"}}}}');
  expect(await lint([template])).toEqual([expect.stringContaining("('Color' was unexpected)")]);
});

test('cfn-lint reports nothing', () => {
  expect(lines).toEqual([]);
});

test('Every failed check of checkov is in docs/security.md', () => {
  const exceptions = [...exceptionsUnder('Passed with `encryptionKey`'), ...exceptionsUnder('Accepted')];
  expect(unlisted(findings, exceptions)).toEqual([]);
});

test('Every exception in docs/security.md still occurs', () => {
  const exceptions = [...exceptionsUnder('Passed with `encryptionKey`'), ...exceptionsUnder('Accepted')];
  expect(stale(findings, exceptions)).toEqual([]);
});

test('With a key, checkov reports only what docs/security.md lists as accepted', () => {
  const withKey = findings.filter(({ file }) => file === EVERY_OPTION);
  expect(withKey.length).toBeGreaterThan(0);
  expect(unlisted(withKey, exceptionsUnder('Accepted'))).toEqual([]);
});
