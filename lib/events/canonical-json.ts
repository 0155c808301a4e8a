import { isExactNumber } from './exact-json.ts';

/** Maximum nesting accepted. The deepest Genesys Cloud bodies have about ten levels. */
export const MAX_DEPTH_LEVELS = 128;

/** A JSON value nested deeper than {@link MAX_DEPTH_LEVELS}. */
export class TooDeepError extends Error {
  readonly code = 'too_deep';
  readonly retriable = false;

  constructor() {
    super(`JSON is nested more than ${MAX_DEPTH_LEVELS} levels deep`);
    this.name = 'TooDeepError';
  }
}

/**
 * The canonical form of a JSON value, according to the JSON Canonicalization Scheme (RFC 8785): keys sorted by UTF-16
 * code units, no whitespace, numbers and strings as serialized by ECMAScript. Equal JSON values have the same canonical
 * form. Numbers that a double cannot represent are written as in the source, so that they stay distinct.
 *
 * @param value - a result of `parseExactJson`
 * @throws {@link TooDeepError} for nesting that would exhaust the stack
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/**
 * Reject a JSON value that is nested too deeply for `JSON.stringify` and for downstream consumers.
 *
 * @param value - a result of `parseExactJson`
 * @throws {@link TooDeepError}
 */
export function assertDepth(value: unknown, depth = 0): void {
  if (value === null || typeof value !== 'object') return;
  if (depth >= MAX_DEPTH_LEVELS) throw new TooDeepError();
  // This runs for every value of every event. The loops are several times as fast as Object.values.
  // Stryker disable next-line ConditionalExpression: only saves time, because for-in also visits every element
  if (Array.isArray(value)) for (const member of value) assertDepth(member, depth + 1);
  else for (const key in value) assertDepth((value as Record<string, unknown>)[key], depth + 1);
}

/** Cached key orders. The bodies of a topic have few distinct key sets, and sorting is the most expensive step. */
const MAX_SHAPES = 2_000;
/** Longer key sets are not cached. */
const MAX_SHAPE_CHARACTERS = 4_000;
/** Characters that `JSON.stringify` may escape, including surrogates. */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

interface Shape {
  /** The keys in their original order. */
  readonly found: readonly string[];
  readonly sorted: readonly string[];
  /** The sorted keys as they appear in the output, each with its colon. */
  readonly labels: readonly string[];
}

const shapes = new Map<string, Shape>();

function shapeOf(record: object): Shape {
  const found = Object.keys(record);
  const name = found.join();
  const known = shapes.get(name);
  // Keys can contain commas, so different key lists can have the same name.
  if (known && found.every((key, index) => key === known.found[index])) return known;
  const sorted = found.toSorted();
  const shape = { found, sorted, labels: sorted.map((key) => `${JSON.stringify(key)}:`) };
  if (shapes.size >= MAX_SHAPES) shapes.clear();
  if (name.length <= MAX_SHAPE_CHARACTERS) shapes.set(name, shape);
  return shape;
}

function write(value: unknown, depth: number): string {
  if (value === null || typeof value !== 'object') return writePrimitive(value);
  if (depth >= MAX_DEPTH_LEVELS) throw new TooDeepError();
  if (Array.isArray(value)) return writeArray(value, depth);
  const record = value as Record<string, unknown>;
  const { sorted, labels } = shapeOf(record);
  // Stryker disable next-line ConditionalExpression: the first condition only saves time
  if (sorted[0] === 'rawJSON' && isExactNumber(record)) return record.rawJSON;
  let text = '';
  for (let index = 0; index < sorted.length; index++) {
    const member = record[sorted[index] as string];
    if (member === undefined) continue;
    text += `${text === '' ? '{' : ','}${labels[index]}${write(member, depth + 1)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

function writePrimitive(value: unknown): string {
  // Stryker disable next-line ConditionalExpression,StringLiteral: only saves time, because JSON.stringify writes every string
  if (typeof value === 'string' && !ESCAPED.test(value)) return `"${value}"`;
  return JSON.stringify(value) ?? 'null';
}

function writeArray(values: readonly unknown[], depth: number): string {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    text += `${index > 0 ? ',' : ''}${write(values[index], depth + 1)}`;
  }
  return `${text}]`;
}
