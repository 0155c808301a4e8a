import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { decodeAwsChunked } from './aws-chunked.ts';
import type { S3Headers } from './s3.ts';
import { S3Error } from './s3-error.ts';

/** An object as it is kept. */
export interface StoredObject {
  body: Buffer;
  /** MD5 of the body in hex, in quotes. */
  etag: string;
  /** CRC-32 of the body, big-endian, in base64. */
  crc32: string;
  lastModified: Date;
  /** Headers of the upload that a download gives back: content type and encoding, user metadata. */
  headers: Record<string, string>;
}

const KEPT_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-language',
  'expires',
] as const;

/**
 * Reads the object that a PutObject carries, plain or `aws-chunked`.
 *
 * @throws S3Error where the length, MD5 or CRC-32 that came with it does not fit.
 */
export function readObject(headers: S3Headers, sent: Uint8Array): StoredObject {
  // A copy, for the sender may reuse the memory.
  const framed = Buffer.from(sent);
  const encodings = contentEncodings(headers);
  const isChunked =
    encodings.includes('aws-chunked') || (headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
  const { body, trailers } = isChunked ? decodeAwsChunked(framed) : { body: framed, trailers: {} };
  const object: StoredObject = {
    body,
    etag: `"${createHash('md5').update(body).digest('hex')}"`,
    crc32: crc32Base64(body),
    lastModified: new Date(),
    headers: keptHeaders(headers, encodings),
  };
  check(object, { ...headers, ...trailers }, isChunked);
  return object;
}

/** The headers that describe an object in GetObject and HeadObject. */
export function objectHeaders(object: StoredObject, request: S3Headers): Record<string, string> {
  const wantsChecksum = request['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED';
  return {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    'content-length': String(object.body.length),
    'last-modified': object.lastModified.toUTCString(),
    etag: object.etag,
    ...(wantsChecksum ? { 'x-amz-checksum-crc32': object.crc32, 'x-amz-checksum-type': 'FULL_OBJECT' } : {}),
  };
}

function crc32Base64(body: Buffer): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return checksum.toString('base64');
}

function contentEncodings(headers: S3Headers): string[] {
  return (headers['content-encoding'] ?? '')
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '');
}

function keptHeaders(headers: S3Headers, encodings: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const isKept = KEPT_HEADERS.some((header) => header === name) || name.startsWith('x-amz-meta-');
    if (isKept && value !== undefined) kept[name] = value;
  }
  // aws-chunked is how the body travelled; the other encodings belong to the object.
  const own = encodings.filter((encoding) => encoding !== 'aws-chunked');
  if (own.length > 0) kept['content-encoding'] = own.join(',');
  return kept;
}

/** Compares the object with what the sender said of it. */
function check(object: StoredObject, said: S3Headers, isChunked: boolean): void {
  const length = isChunked ? said['x-amz-decoded-content-length'] : undefined;
  if (length !== undefined && Number(length) !== object.body.length)
    throw new S3Error('IncompleteBody', 400, `The body has ${object.body.length} bytes, not ${length}.`);
  const checksum = said['x-amz-checksum-crc32'];
  if (checksum !== undefined && checksum !== object.crc32)
    throw new S3Error('BadDigest', 400, 'The CRC32 you specified did not match the calculated checksum.');
  const md5 = said['content-md5'];
  if (md5 !== undefined && Buffer.from(md5, 'base64').toString('hex') !== object.etag.slice(1, -1))
    throw new S3Error('BadDigest', 400, 'The Content-MD5 you specified did not match what we received.');
}
