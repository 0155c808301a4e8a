import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Name of a capture that is read from standard input. */
export const STANDARD_INPUT = '-';
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * The lines of a capture: a file, a file compressed with gzip (`.gz`), or standard input (`-`). A byte order mark is
 * removed.
 *
 * @throws Error if the file cannot be read or is not gzip
 */
export async function* captureLines(file: string): AsyncGenerator<string> {
  let isFirst = true;
  const lines = createInterface({ input: openCapture(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    yield isFirst && line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
    isFirst = false;
  }
}

function openCapture(file: string): Readable {
  if (file === STANDARD_INPUT) return process.stdin;
  const stream = createReadStream(file);
  if (!file.endsWith('.gz')) return stream;
  const unzipped = createGunzip();
  stream.on('error', (error) => unzipped.destroy(error));
  return stream.pipe(unzipped);
}
