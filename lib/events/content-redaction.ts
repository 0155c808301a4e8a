import { createHmac } from 'node:crypto';
import { assertDepth, canonicalJson } from './canonical-json.ts';
import type { ContentRules } from './content-rules.ts';
import { isExactNumber, parseExactJson } from './exact-json.ts';
import { type ContentRule, FieldPaths, type Place } from './field-paths.ts';
import type { ReceivedEvent } from './item.ts';
import type { Frame } from './schema.ts';
import { isStructuralContainer, isStructuralName, isStructuralValue } from './structural-fields.ts';

/** Number of final characters that a mask keeps, and the minimum length of a value for which it keeps them. */
const UNMASKED_CHARACTERS = 2;
const MIN_PARTLY_MASKED_CHARACTERS = 8;
/** Separators, which a mask keeps, so that the form of an address or a number stays visible. */
const MASKED = /[^ +\-.@:()/_,;]/gu;

/** Members of a frame that can contain an event's body. A string there can be JSON, to which no rule applies. */
const BODY_NAMES: ReadonlySet<string> = new Set(['eventBody', 'data', 'detail', 'events']);

/** What is kept where no rule applies: everything, what the preset `structural` keeps, or nothing. */
type Otherwise = 'everything' | 'structural' | 'nothing';

const DROPPED = Symbol('dropped');

/**
 * Removes content from events (drop), replaces it with a keyed hash, or masks it. Everything else is unchanged. Paths
 * start at the body of the event, at the frame's `metadata`, and at the frame without these two. `topicName`, `version`
 * and `timestamp` of a frame always stay. If several rules apply to a value, the strictest one is used.
 */
export class ContentRedaction {
  private readonly otherwise: Otherwise;
  private readonly hash: (value: unknown) => string;
  private readonly paths: FieldPaths;
  /** For frames that can contain an event anywhere: every path starts at every level, and no rule keeps anything. */
  private readonly pathsAnywhere: FieldPaths;

  /** @param key - key for hashes; required if a rule hashes */
  constructor({ preset, rules }: ContentRules, key = '') {
    if (key === '' && rules.some(({ action }) => action === 'hash'))
      throw new TypeError('A rule hashes, but there is no key');
    this.otherwise = preset ?? 'everything';
    this.hash = (value) => createHmac('sha256', key).update(canonicalJson(value)).digest('base64url');
    this.paths = new FieldPaths(rules);
    this.pathsAnywhere = new FieldPaths(rules.filter(({ action }) => action !== 'keep').map(anywhere));
  }

  /** An event without the redacted content. Its identity must already be known, because it depends on the content. */
  event({ text: _, ...event }: ReceivedEvent): ReceivedEvent {
    return { ...event, frame: this.frame(event.frame) };
  }

  /** The frame of an event without the redacted content. The frame must not be nested too deeply, see `identify`. */
  frame(frame: Frame): Frame {
    const { root } = this.paths;
    const members = Object.entries(frame).map(([name, value]): [string, unknown] => {
      switch (name) {
        case 'topicName':
        case 'version':
        case 'timestamp':
          return [name, value];
        case 'eventBody':
          return [name, objectOr({}, this.member(value, name, root))];
        case 'metadata':
          return [name, objectOr(DROPPED, this.member(value, name, root))];
        default:
          return [name, this.member(value, name, root.at(name))];
      }
    });
    return Object.fromEntries(members.filter(([, value]) => value !== DROPPED)) as Frame;
  }

  /**
   * A frame that is not a valid event, without the redacted content, as JSON. It can contain an event anywhere, so
   * every path starts at every level.
   *
   * @returns undefined if the rules cannot be applied because it is not JSON or is nested too deeply
   */
  rejected(data: Buffer): Buffer | undefined {
    try {
      const value = parseExactJson(data.toString('utf8'));
      assertDepth(value);
      if (typeof value !== 'object' || value === null || isExactNumber(value)) return undefined;
      const left = this.value(withoutTextBodies(value), '', this.pathsAnywhere.root, this.otherwise);
      // Stryker disable next-line ConditionalExpression: without it, Buffer.from throws
      return left === DROPPED ? undefined : Buffer.from(JSON.stringify(left));
    } catch {
      // The rules cannot be applied.
    }
    return undefined;
  }

  private member(value: unknown, name: string, place: Place, otherwise = this.otherwise): unknown {
    switch (place.action) {
      case 'drop':
        return DROPPED;
      case 'hash':
        return value === null ? null : this.hash(value);
      case 'mask':
        return typeof value === 'string' ? mask(value) : DROPPED;
      case 'keep':
        return this.value(value, name, place, 'everything');
      case undefined:
        return this.value(value, name, place, otherwise);
    }
  }

  private value(value: unknown, name: string, place: Place, otherwise: Otherwise): unknown {
    // Stryker disable next-line ConditionalExpression,StringLiteral: only saves time
    if (otherwise === 'everything' && place.isLast) return value;
    if (typeof value !== 'object' || value === null || isExactNumber(value)) {
      const isKept =
        otherwise === 'everything' || (otherwise === 'structural' && isStructuralValue(name, value));
      return isKept ? value : DROPPED;
    }
    return Array.isArray(value)
      ? this.array(value, name, place, otherwise)
      : this.object(value, name, place, otherwise);
  }

  /** Elements have the name of their array. */
  private array(values: readonly unknown[], name: string, place: Place, otherwise: Otherwise): unknown {
    const left = values
      .map((value, index) => this.member(value, name, place.at(String(index)), otherwise))
      .filter((value) => value !== DROPPED);
    const isNamed = isStructuralName(name) || isStructuralContainer(name);
    return left.length > 0 || otherwise === 'everything' || (otherwise === 'structural' && isNamed)
      ? left
      : DROPPED;
  }

  private object(value: object, name: string, place: Place, otherwise: Otherwise): unknown {
    const isRoot = name === '';
    const isKept =
      otherwise === 'everything' || (otherwise === 'structural' && (isRoot || isStructuralContainer(name)));
    // Stryker disable next-line ConditionalExpression: only saves time
    if (!isKept && place.isLast) return DROPPED;
    // Stryker disable next-line StringLiteral: any string except the other two has the same effect
    const inside = isKept ? otherwise : 'nothing';
    const left = Object.entries(value)
      .map(([key, member]): [string, unknown] => [key, this.member(member, key, place.at(key), inside)])
      .filter(([, member]) => member !== DROPPED);
    return isKept || left.length > 0 ? Object.fromEntries(left) : DROPPED;
  }
}

function anywhere({ path, action }: ContentRule): ContentRule {
  return { path: `**.${path}`, action };
}

function objectOr<Other>(other: Other, value: unknown): unknown {
  return typeof value === 'object' && value !== null ? value : other;
}

function mask(text: string): string {
  const masked = [...text.matchAll(MASKED)];
  const visible = masked.length < MIN_PARTLY_MASKED_CHARACTERS ? 0 : UNMASKED_CHARACTERS;
  let index = 0;
  return text.replace(MASKED, (character) => (++index > masked.length - visible ? character : '*'));
}

/** The same value without strings in the members that can contain an event's body. */
function withoutTextBodies(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTextBodies);
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  const members = Object.entries(value).filter(([name, member]) => !BODY_NAMES.has(name) || !isText(member));
  return Object.fromEntries(members.map(([name, member]) => [name, withoutTextBodies(member)]));
}

function isText(value: unknown): boolean {
  return Array.isArray(value) ? value.some(isText) : typeof value === 'string';
}
