import { AwsError } from '../emulated-service.ts';
import { type MissingFeature, NotEmulatedError } from '../not-emulated.ts';

/** HTTP headers of a request, names in lower case. */
export type S3Headers = Readonly<Record<string, string | undefined>>;

/** An HTTP request to S3. */
export interface S3Request {
  readonly method: string;
  /** The path as it was sent, percent-encoded: `/bucket` or `/bucket/key`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: S3Headers;
  readonly body: Uint8Array;
}

/** The answer. The answer to a HEAD request has no body; `content-length` is the length that GET would send. */
export interface S3Response {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array;
}

/** An error of S3. @param details further elements of the XML document, such as `Key`. */
export function s3Error(
  code: string,
  status: number,
  message: string,
  details: Readonly<Record<string, string>> = {},
): AwsError {
  return new AwsError(code, message, { status, extra: { ...details } });
}

/** The error for a request that uses what the emulator does not have, under S3's own code for it. */
export function s3NotEmulated(feature: Omit<MissingFeature, 'where'>): AwsError {
  return new NotEmulatedError({ where: 'S3', ...feature }, 'NotImplemented');
}

/** An answer without a body. */
export function emptyResponse(status: number, headers: Record<string, string> = {}): S3Response {
  return { status, headers, body: '' };
}

/** An error as S3 sends it: an XML document. A missing feature has the status 501. */
export function errorResponse(error: AwsError): S3Response {
  const status = error instanceof NotEmulatedError ? 501 : error.status;
  const members = { Code: error.code, Message: error.message, ...error.extra };
  const elements = Object.entries(members).map(
    ([name, text]) => `<${name}>${escapeXml(String(text))}</${name}>`,
  );
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join('')}</Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => ENTITIES[character] ?? character);
}
