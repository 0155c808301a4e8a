import type { IncomingMessage } from 'node:http';

/** Maximum size of a request body: more than an event on the bus can have. */
const MAX_BODY_BYTES = 2 * 1_024 ** 2;

/** The body, or undefined if the connection ended before it. A body above the limit ends the connection. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    // The sender disconnected.
    return undefined;
  }
  return Buffer.concat(chunks);
}

/** The headers by their names in lower case, repeated ones joined. */
export function singleHeaders({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** What is wrong with a request apart from its signature, or undefined. */
export function requestProblem(
  { method }: IncomingMessage,
  key: string | undefined,
  id: string | undefined,
  body: Buffer,
): string | undefined {
  if (method !== 'POST') return `the method is ${method}`;
  if (!key) return 'Idempotency-Key is missing';
  if (key !== id) return 'Idempotency-Key differs from webhook-id';
  try {
    JSON.parse(body.toString());
    return undefined;
  } catch {
    return 'the body is not JSON';
  }
}
