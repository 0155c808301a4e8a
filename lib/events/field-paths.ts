/** What happens to a value, from the strictest action to the least strict one. */
export const CONTENT_ACTIONS = ['drop', 'hash', 'mask', 'keep'] as const;
/** What happens to a value. */
export type ContentAction = (typeof CONTENT_ACTIONS)[number];

/** An action for every value at a path, see {@link fieldPathProblem}. */
export interface ContentRule {
  readonly path: string;
  readonly action: ContentAction;
}

/** Maximum length of a path. */
const MAX_PATH_CHARACTERS = 256;
/**
 * Maximum number of cached places. Rules need few. Many rules with `**` can need more; these are computed each time.
 */
const MAX_PLACES = 1_000;

/** The member of a frame that contains the event. */
const BODY = 'eventBody';
const ANY_NAME = '*';
const ANY_DEPTH = '**';
/** A dot that is not escaped. */
const SEPARATOR = /(?<!\\)\./;

/**
 * Why a string is not a path. A path consists of names separated by dots, where `*` stands for any member or array
 * element and `**` for any number of levels, including none. A dot in a name is written `\.`.
 *
 * @returns undefined for a path
 */
export function fieldPathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.length > MAX_PATH_CHARACTERS) return `has more than ${MAX_PATH_CHARACTERS} characters`;
  const names = path.split(SEPARATOR);
  if (names[0] === BODY) return `begins with ${BODY}, but paths begin inside it`;
  if (names.includes('')) return 'has an empty name between two dots, or at an end';
  const partial = names.find((name) => name.includes('*') && name !== ANY_NAME && name !== ANY_DEPTH);
  return partial && `has ${partial}, but * and ** stand for whole names only`;
}

/** A position in a rule: before the name at `index`. */
interface Position {
  readonly rule: number;
  readonly index: number;
}

/** A place in a JSON value. Places that no rule distinguishes are the same. */
export class Place {
  /** The action for the value at this place. */
  readonly action: ContentAction | undefined;
  /** Whether no rule applies below this place. */
  readonly isLast: boolean;
  private readonly paths: FieldPaths;
  private readonly positions: readonly Position[];
  private readonly names: ReadonlySet<string>;
  private readonly known = new Map<string, Place>();

  constructor(paths: FieldPaths, positions: readonly Position[]) {
    this.paths = paths;
    this.positions = positions;
    this.action = paths.actionAt(positions);
    const next = positions.map((one) => paths.nameAt(one));
    // Stryker disable next-line ArrowFunction,ConditionalExpression: only saves time
    this.isLast = next.every((name) => name === undefined);
    // Stryker disable next-line MethodExpression,ConditionalExpression: no member has the name undefined; this narrows the type
    this.names = new Set(next.filter((name) => name !== undefined));
  }

  /** The place of a member or element. */
  at(name: string): Place {
    // All names that no rule mentions lead to one place.
    const key = this.names.has(name) ? name : ANY_NAME;
    const known = this.known.get(key);
    // Stryker disable next-line ConditionalExpression: only saves time
    if (known) return known;
    const next = this.positions.flatMap((position): Position[] => {
      const expected = this.paths.nameAt(position);
      if (expected === ANY_DEPTH) return [position];
      const isNext = expected === ANY_NAME || expected === name;
      return isNext ? [{ ...position, index: position.index + 1 }] : [];
    });
    const place = this.paths.place(next);
    // Stryker disable next-line ConditionalExpression,CallExpression: only saves time, or memory
    if (this.paths.hasRoom) this.known.set(key, place);
    return place;
  }
}

/** Rules, arranged so that a JSON value is compared with all of them in one pass. */
export class FieldPaths {
  /** The place where paths start. */
  readonly root: Place;
  private readonly rules: readonly { readonly names: readonly string[]; readonly action: ContentAction }[];
  private readonly places = new Map<string, Place>();

  /** @param rules - with valid paths */
  constructor(rules: readonly ContentRule[]) {
    this.rules = rules.map(({ path, action }) => ({
      names: path.split(SEPARATOR).map((name) => name.replaceAll('\\.', '.')),
      action,
    }));
    this.root = this.place(this.rules.map((_, rule) => ({ rule, index: 0 })));
  }

  /** Whether more places can be cached. The events determine which places exist. */
  get hasRoom(): boolean {
    // Stryker disable next-line ConditionalExpression,EqualityOperator: only saves time, or memory
    return this.places.size < MAX_PLACES;
  }

  /** The place of a set of positions. */
  place(positions: readonly Position[]): Place {
    const all = new Map(positions.flatMap((one) => this.withSkipped(one)).map((one) => [keyOf(one), one]));
    // Stryker disable next-line MethodExpression: only saves places, which have equal effects
    const key = [...all.keys()].sort().join();
    const known = this.places.get(key);
    // Stryker disable next-line ConditionalExpression: only saves time
    if (known) return known;
    const place = new Place(this, [...all.values()]);
    // Stryker disable next-line ConditionalExpression,CallExpression: only saves time, or memory
    if (this.hasRoom) this.places.set(key, place);
    return place;
  }

  /** The name that a rule expects next; undefined at its end. */
  nameAt({ rule, index }: Position): string | undefined {
    // Stryker disable next-line OptionalChaining: every position is in a rule; this narrows the type
    return this.rules[rule]?.names[index];
  }

  /** The strictest action of the rules that end here. */
  actionAt(positions: readonly Position[]): ContentAction | undefined {
    const ended = positions.filter((one) => this.nameAt(one) === undefined);
    // Stryker disable next-line OptionalChaining: every position is in a rule; this narrows the type
    const actions = new Set(ended.map(({ rule }) => this.rules[rule]?.action));
    return CONTENT_ACTIONS.find((action) => actions.has(action));
  }

  /** `**` also stands for zero levels. */
  private withSkipped(position: Position): Position[] {
    if (this.nameAt(position) !== ANY_DEPTH) return [position];
    return [position, ...this.withSkipped({ ...position, index: position.index + 1 })];
  }
}

function keyOf({ rule, index }: Position): string {
  return `${rule}:${index}`;
}
