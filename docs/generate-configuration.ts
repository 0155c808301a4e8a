#!/usr/bin/env node
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { configurationReference } from './configuration-reference.ts';
import { ConfigurationReferenceError } from './configuration-reference-error.ts';
import { environmentSections } from './configuration-sections.ts';
import { SCALE_FILE, scaleDocument } from './scale-document.ts';

const CONFIGURATION_FILE = join(import.meta.dirname, 'configuration.md');

/** @returns whether the file is up to date now */
function update(file: string, text: string, check: boolean): boolean {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return true;
  const name = `docs/${basename(file)}`;
  if (check) {
    process.stderr.write(`${name} is out of date: run npm run docs\n`);
    return false;
  }
  writeFileSync(file, text);
  process.stdout.write(`${name} was updated.\n`);
  return true;
}

const { check } = new Command('docs')
  .description(
    'Generates docs/configuration.md from the configuration schemas and the CDK properties, and the tables of docs/scale.md.',
  )
  .option('--check', 'fail if a file is out of date, without changing it', false)
  .showHelpAfterError('(use --help for a list of options)')
  .parse()
  .opts<{ check: boolean }>();

try {
  const results = [
    update(CONFIGURATION_FILE, configurationReference(environmentSections()), check),
    update(SCALE_FILE, scaleDocument(), check),
  ];
  process.exitCode = results.every(Boolean) ? 0 : 1;
} catch (error) {
  if (!(error instanceof ConfigurationReferenceError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
