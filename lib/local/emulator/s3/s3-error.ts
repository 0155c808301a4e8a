import type { S3Response } from './s3.ts';

/** An error answer of S3. */
export class S3Error extends Error {
  /** The S3 error code, such as `NoSuchKey`. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** Further elements of the XML body, such as `Key`. */
  readonly details: Readonly<Record<string, string>>;

  constructor(code: string, status: number, message: string, details: Record<string, string> = {}) {
    super(message);
    this.name = 'S3Error';
    this.code = code;
    this.status = status;
    this.details = details;
  }

  /** The error on the wire: an XML document. */
  toResponse(): S3Response {
    const members = { Code: this.code, Message: this.message, ...this.details };
    return xmlResponse(this.status, `<Error>${elements(members)}</Error>`);
  }
}

/** The answer to what S3 has and the emulator does not. */
export function notImplemented(what: string): S3Error {
  return new S3Error('NotImplemented', 501, `${what} is not in the emulator's S3.`);
}

/** An XML answer. @param root the root element as text. */
export function xmlResponse(status: number, root: string): S3Response {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${root}`,
  };
}

/** One XML element for each member, its text escaped. */
export function elements(members: Readonly<Record<string, string>>): string {
  return Object.entries(members)
    .map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`)
    .join('');
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
