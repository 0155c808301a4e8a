import { parseExactJson } from '../../lib/events/exact-json.ts';

/**
 * Maximum length of a JSON document that spans several lines. The AWS CLI merges all pages of an export into one
 * document.
 */
const MAX_DOCUMENT_CHARACTERS = 256 * 1_048_576;

const TOO_LONG = `the JSON document that begins here has more than ${MAX_DOCUMENT_CHARACTERS} characters; export a shorter time range, or one record per line`;

/** A record from a file, not checked yet. */
export interface ExportedRecord {
  readonly value: Readonly<Record<string, unknown>>;
  /** Line of the file at which it starts, from 1. */
  readonly line: number;
}

/** A line that contains no record. */
export interface UnreadableLine {
  readonly line: number;
  readonly problem: string;
}

/**
 * The records of a file in any format in which CloudWatch Logs exports them: one per line, optionally preceded by a
 * timestamp and a stream name (`aws logs tail`, export to S3), or as `events[].message` of JSON documents
 * (`filter-log-events`, `get-log-events`), which can span several lines.
 */
export async function* exportedRecords(
  lines: AsyncIterable<string>,
): AsyncGenerator<ExportedRecord | UnreadableLine> {
  let line = 0;
  let document: { text: string; line: number } | undefined;
  for await (const text of lines) {
    line += 1;
    if (document) {
      document.text += `\n${text}`;
      if (text === '}') {
        yield* recordsIn(document.text, document.line);
        document = undefined;
      } else if (document.text.length > MAX_DOCUMENT_CHARACTERS) {
        yield { line: document.line, problem: TOO_LONG };
        document = undefined;
      }
      continue;
    }
    // The text before the first brace is a timestamp and a stream name.
    const start = text.indexOf('{');
    if (text.trim() === '') continue;
    if (start === -1) yield { line, problem: 'it contains no JSON object' };
    else if (text.slice(start).trim() === '{') document = { text: text.slice(start), line };
    else yield* recordsIn(text.slice(start, text.lastIndexOf('}') + 1), line);
  }
  if (document) yield { line: document.line, problem: 'the JSON document that begins here has no end' };
}

function* recordsIn(text: string, line: number): Generator<ExportedRecord | UnreadableLine> {
  const value = parse(text);
  if (value === undefined) {
    yield { line, problem: 'it is not valid JSON' };
    return;
  }
  if (!Array.isArray(value.events)) {
    yield 'session' in value ? { value, line } : { line, problem: 'it is not an audit record' };
    return;
  }
  for (const [index, event] of value.events.entries()) {
    const message = parse(String(event?.message));
    if (message && 'session' in message) yield { value: message, line };
    else yield { line, problem: `the message of its event ${index + 1} is not an audit record` };
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseExactJson(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
