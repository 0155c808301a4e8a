/** The name of a header (RFC 9110, section 5.6.2). */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/;
/** Headers that describe the request or its connection. A key in them would change what is sent, or where. */
const RESERVED_HEADERS =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|idempotency-key|user-agent|webhook-.*)$/i;

/** Why a header cannot contain the API key of a destination, and what to do. @returns undefined if it can */
export function apiKeyHeaderProblem(name: string): string | undefined {
  if (!HEADER_NAME.test(name)) return 'is not the name of an HTTP header, for example X-Api-Key';
  return RESERVED_HEADERS.test(name)
    ? 'is a header with another meaning: use the one that the destination reads the key from, for example X-Api-Key'
    : undefined;
}
