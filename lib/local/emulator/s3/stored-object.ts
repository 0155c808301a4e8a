import { createHash } from 'node:crypto';
import type { S3Headers } from './s3-messages.ts';

/** An object in a bucket. */
export interface StoredObject {
  readonly body: Buffer;
  /** MD5 of the body in hex, in quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  /** Headers of the upload that a download returns: content type and encoding, user metadata. */
  readonly headers: Readonly<Record<string, string>>;
}

const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'cache-control',
  'content-disposition',
  'content-language',
  'expires',
];

/** The object that a PutObject request carries. */
export function readObject(headers: S3Headers, sent: Uint8Array): StoredObject {
  // A copy, because the sender may reuse the memory.
  const body = Buffer.from(sent);
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const isKept = KEPT_HEADERS.includes(name) || name.startsWith('x-amz-meta-');
    if (isKept && value !== undefined) kept[name] = value;
  }
  const etag = `"${createHash('md5').update(body).digest('hex')}"`;
  return { body, etag, lastModified: new Date(), headers: kept };
}

/** The headers that describe an object in GetObject and HeadObject. */
export function objectHeaders(object: StoredObject): Record<string, string> {
  return {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    'content-length': String(object.body.length),
    'last-modified': object.lastModified.toUTCString(),
    etag: object.etag,
  };
}
