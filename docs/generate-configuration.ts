#!/usr/bin/env node
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { configurationReference } from './configuration-reference.ts';
import { ConfigurationReferenceError } from './configuration-reference-error.ts';
import { environmentSections } from './configuration-sections.ts';

const FILE = join(import.meta.dirname, 'configuration.md');

/** @returns exit code */
function main(check: boolean): number {
  const reference = configurationReference(environmentSections());
  const current = existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined;
  if (current === reference) return 0;
  if (check) {
    process.stderr.write('docs/configuration.md is out of date: run npm run docs\n');
    return 1;
  }
  writeFileSync(FILE, reference);
  process.stdout.write('docs/configuration.md was updated.\n');
  return 0;
}

const { check } = new Command('docs')
  .description('Generates docs/configuration.md from the configuration schemas and the CDK properties.')
  .option('--check', 'fail if the file is out of date, without changing it', false)
  .showHelpAfterError('(use --help for a list of options)')
  .parse()
  .opts<{ check: boolean }>();

try {
  process.exitCode = main(check);
} catch (error) {
  if (!(error instanceof ConfigurationReferenceError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
