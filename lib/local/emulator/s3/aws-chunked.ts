import { S3Error } from './s3-error.ts';

/** A body without its chunk framing, and the headers that came after it. */
export interface Unchunked {
  body: Buffer;
  /** Names in lower case. */
  trailers: Record<string, string>;
}

const CRLF = '\r\n';
const CHUNK_HEADER = /^(?<size>[0-9a-f]{1,8})(?:;.*)?$/i;

/**
 * Takes the `aws-chunked` framing off a body: `<hex size>[;chunk-signature=…]`, the data, and after a chunk of size 0
 * the trailers, such as `x-amz-checksum-crc32`. Signatures are not checked.
 *
 * @throws S3Error (IncompleteBody) where the framing is broken or the body is cut short.
 */
export function decodeAwsChunked(framed: Buffer): Unchunked {
  const chunks: Buffer[] = [];
  let position = 0;
  for (;;) {
    const [header, start] = readLine(framed, position);
    const size = Number.parseInt(CHUNK_HEADER.exec(header)?.groups?.size ?? '', 16);
    if (Number.isNaN(size)) throw incomplete('a chunk does not begin with its size');
    if (size === 0) return { body: Buffer.concat(chunks), trailers: readTrailers(framed, start) };
    const end = start + size;
    if (framed.toString('latin1', end, end + CRLF.length) !== CRLF)
      throw incomplete('a chunk is shorter or longer than its size');
    chunks.push(framed.subarray(start, end));
    position = end + CRLF.length;
  }
}

function readTrailers(framed: Buffer, start: number): Record<string, string> {
  const trailers: Record<string, string> = {};
  for (let position = start; position < framed.length; ) {
    const [line, next] = readLine(framed, position);
    position = next;
    const colon = line.indexOf(':');
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return trailers;
}

/** The line at `position` and where the next one begins. */
function readLine(framed: Buffer, position: number): [string, number] {
  const end = framed.indexOf(CRLF, position);
  if (end === -1) throw incomplete('it ends within a line');
  return [framed.toString('latin1', position, end), end + CRLF.length];
}

function incomplete(reason: string): S3Error {
  return new S3Error('IncompleteBody', 400, `The aws-chunked body cannot be read: ${reason}.`);
}
