import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import licenses from 'spdx-license-list/full.js';

/** The directory of a package, in the path of one of its files. */
const PACKAGE_DIRECTORY = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
/** Files whose text must accompany copies of a package. */
const NOTICE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i;

interface Manifest {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier. */
  readonly license: string;
  readonly author?: string | { readonly name: string };
}

/**
 * Returns the licenses and notices of all packages that are in bundles. Packages with the same text share a section.
 *
 * @throws Error if the license of a package is not known
 */
export function thirdPartyNotices(root: string, metafiles: readonly Metafile[]): string {
  const packages = [...bundledPackages(metafiles)].sort().map((directory) => describe(root, directory));
  const sections = [...Map.groupBy(packages, ({ text }) => text)].map(
    ([text, sharing]) => `${[...new Set(sharing.map(({ title }) => title))].join('\n')}\n\n${text}`,
  );
  const head = 'The JavaScript files of this package contain code of the following packages.';
  return [head, ...sections].join(`\n\n${'-'.repeat(80)}\n\n`).concat('\n');
}

/** Directories of the packages that contribute code to an output. */
function bundledPackages(metafiles: readonly Metafile[]): Set<string> {
  const inputs = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return new Set(inputs.flatMap(([path]) => PACKAGE_DIRECTORY.exec(path) ?? []));
}

function describe(root: string, directory: string): { title: string; text: string } {
  const path = join(root, directory);
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
  const texts = readdirSync(path)
    .filter((file) => NOTICE_FILE.test(file))
    .sort()
    .map((file) => readFileSync(join(path, file), 'utf8').trim());
  const text = texts.length > 0 ? texts.join('\n\n') : standardText(manifest);
  return { title: `${manifest.name} ${manifest.version} (${manifest.license})`, text };
}

/** The text of the license that a package names. Some packages do not contain it. */
function standardText({ name, license, author }: Manifest): string {
  const { licenseText } = licenses[license] ?? {};
  const holder = typeof author === 'object' ? author.name : author;
  if (licenseText === undefined || holder === undefined)
    throw new Error(`The package ${name} has no license file, no known license or no author`);
  return licenseText.replace('<year> <copyright holders>', holder).trim();
}
