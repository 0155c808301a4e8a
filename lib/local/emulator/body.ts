import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AwsError } from './service.ts';

/** Greatest request body, before and after decompression: DynamoDB's limit, the largest of the emulated services. */
export const MAX_REQUEST_BYTES = 16 * 1_024 * 1_024;

/** How much of a body that is too large is read before the connection is cut. */
const MAX_DISCARDED_BYTES = 4 * MAX_REQUEST_BYTES;

const gunzipAsync = promisify(gunzip);

/** The answer to a body above {@link MAX_REQUEST_BYTES}. */
export function bodyTooLarge(): AwsError {
  return new AwsError('RequestEntityTooLargeException', `The body is above ${MAX_REQUEST_BYTES} bytes.`, {
    status: 413,
  });
}

/** Decodes a request body. @param encoding the `content-encoding` header: none, `identity` or `gzip`. */
export async function decodeBody(bytes: Uint8Array, encoding: string | undefined): Promise<string> {
  if (bytes.length > MAX_REQUEST_BYTES) throw bodyTooLarge();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return bytesToText(bytes);
  if (encoding !== 'gzip')
    throw new AwsError(
      'UnsupportedMediaTypeException',
      `Content-Encoding "${encoding}" is not supported; use gzip.`,
      {
        status: 415,
      },
    );
  try {
    return (await gunzipAsync(bytes, { maxOutputLength: MAX_REQUEST_BYTES })).toString();
  } catch (error) {
    if (error instanceof RangeError) throw bodyTooLarge();
    throw new AwsError(
      'com.amazon.coral.service#SerializationException',
      `The body is not gzip: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** UTF-8 text of bytes, without a copy: the SDK's own kind of byte array warns when `Buffer.from` copies it. */
export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** Collects a body that comes in pieces, no further than the limit. */
export async function collectBytes(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const collected: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    // A sender that is answered while it still sends may never see the answer, so the rest is read and dropped.
    if (bytes > MAX_DISCARDED_BYTES) throw bodyTooLarge();
    if (bytes <= MAX_REQUEST_BYTES) collected.push(piece);
  }
  if (bytes > MAX_REQUEST_BYTES) throw bodyTooLarge();
  return Buffer.concat(collected);
}
