import { AwsError } from './emulated-service.ts';
import { NotEmulatedError } from './not-emulated.ts';

/** Maximum request body: DynamoDB's limit, the largest of the emulated services. */
export const MAX_REQUEST_BYTES = 16 * 1_024 * 1_024;

/** How much of a body that is too large is read before the connection is cut. */
const MAX_DISCARDED_BYTES = 4 * MAX_REQUEST_BYTES;

function bodyTooLarge(): AwsError {
  return new AwsError('RequestEntityTooLargeException', `The body is above ${MAX_REQUEST_BYTES} bytes.`, {
    status: 413,
  });
}

/** Decodes a request body. @param encoding the `content-encoding` header; only `identity` is supported. */
export function decodeBody(bytes: Uint8Array, encoding: string | undefined): string {
  if (encoding && encoding !== 'identity')
    throw new NotEmulatedError({ where: 'requests', kind: 'Content-Encoding', name: encoding });
  return bytesToText(bytes);
}

/** UTF-8 text of bytes, without a copy: the SDK's own kind of byte array warns when `Buffer.from` copies it. */
export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** Collects a body that arrives in pieces, up to the limit. */
export async function collectBytes(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const collected: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    // A client that is still sending may never see the response, so the rest of the body is read and dropped.
    if (bytes > MAX_DISCARDED_BYTES) throw bodyTooLarge();
    if (bytes <= MAX_REQUEST_BYTES) collected.push(piece);
  }
  if (bytes > MAX_REQUEST_BYTES) throw bodyTooLarge();
  return Buffer.concat(collected);
}
