import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { PROTOCOLS } from '../../functions/ingester/protocols/registry.ts';

/** The lists with an entry per protocol, and what is generated from them. */
const LISTS = [
  'functions/ingester/protocols/registry.ts',
  'bin/local/protocol-clouds.ts',
  'lib/cdk/stream-protocols.ts',
  'lib/cdk/protocol-variables.ts',
  'docs/configuration.md',
];
/** The default protocol, which options and defaults name. */
const DEFAULT = 'notification-channels';

const sources = execFileSync('git', ['ls-files', 'functions', 'lib', 'bin', 'docs'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => /\.(?:ts|json|md)$/.test(file) && basename(file) !== 'README.md');

const others = PROTOCOLS.filter(({ name }) => name !== DEFAULT);

/** Its own files have its name, or begin with its first word, such as `analytics-server.ts`. */
function isOwn(file: string, protocol: string): boolean {
  const folders = ['functions/ingester/protocols/', 'lib/protocols/', 'lib/local/simulator/streams/'];
  return folders.some((folder) => file.startsWith(`${folder}${protocol.split('-')[0]}-`));
}

test.each(others.map((protocol) => [protocol.name, protocol] as const))(
  'Adding %s touched only its own files and the lists of protocols',
  (name, { configuration }) => {
    const words = [name, ...Object.keys(configuration.shape)];
    const naming = sources.filter((file) => {
      const text = readFileSync(file, 'utf8');
      return words.some((word) => text.includes(word));
    });
    expect(naming.filter((file) => !isOwn(file, name) && !LISTS.includes(file))).toEqual([]);
    for (const list of LISTS) expect(naming).toContain(list);
  },
);
