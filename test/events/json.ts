import fc from 'fast-check';

/** Any string of UTF-16 code units, including control characters, lone surrogates and U+FFFF. */
export function anyText(): fc.Arbitrary<string> {
  const units = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0xfffe, 0xffff, 0xfffd, 0xfeff, 0xd800, 0xdfff, 0x22, 0x5c, 0x7f, 0x2028),
    ),
    { maxLength: 12 },
  );
  return units.map((codes) => String.fromCharCode(...codes));
}

/** A JSON object as `JSON.parse` returns it, sometimes with a key named `__proto__`. */
export function jsonBody(): fc.Arbitrary<Record<string, unknown>> {
  const { object } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      anyText(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
    ),
    object: fc
      .array(fc.tuple(fc.oneof(anyText(), fc.constantFrom('__proto__', '0', 'a', 'ab', 'b')), tie('value')), {
        maxLength: 5,
      })
      .map((members) => Object.fromEntries(members) as Record<string, unknown>),
  }));
  return object.map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
}

/** The same value with the keys of its objects in reverse order. */
export function reordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reordered) as T;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, reordered(member)]);
  return Object.fromEntries(members.reverse()) as T;
}

/** The path of a value in a body: keys and indexes, outermost first. */
export type Path = readonly (string | number)[];

/** The paths of all values that are neither objects nor arrays. */
export function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [...keys].flatMap((key) => leaves((value as Record<string, unknown>)[key], [...path, key]));
}

/** A copy with another value at a path, which can be new; `undefined` removes the member. */
export function withValue<T>(value: T, path: Path, replacement: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return replacement as T;
  if (Array.isArray(value)) {
    return value.map((member, index) => (index === key ? withValue(member, rest, replacement) : member)) as T;
  }
  const members = new Map(Object.entries(value as object));
  const member = withValue(members.get(String(key)), rest, replacement);
  if (member === undefined) members.delete(String(key));
  else members.set(String(key), member);
  return Object.fromEntries(members) as T;
}

/** The value at a path. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
}
