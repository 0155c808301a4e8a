import fc from 'fast-check';
import {
  compileEventPattern,
  MAX_PATTERN_CHARACTERS,
} from 'switchboard-local/emulator/eventbridge/event-pattern.ts';
import { describe, expect, test } from 'vitest';

/** Pattern and event as JSON text, because number notation matters. */
function matches(pattern: string | object, event: string | object): boolean {
  const text = typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
  return compileEventPattern(text)(typeof event === 'string' ? JSON.parse(event) : event);
}

describe("results of AWS's own matcher", () => {
  test.each([
    ['[300] matches 300.0', '{"a":[300]}', '{"a":300.0}', true],
    ['[300] does not match the string', '{"a":[300]}', '{"a":"300"}', false],
    ['["300"] does not match the number', '{"a":["300"]}', '{"a":300}', false],
    ['null satisfies exists: true', '{"a":[{"exists":true}]}', '{"a":null}', true],
    ['null does not satisfy exists: false', '{"a":[{"exists":false}]}', '{"a":null}', false],
    ['anything-but ["5"] matches 5', '{"a":[{"anything-but":["5"]}]}', '{"a":5}', true],
    ['anything-but 5 matches "5"', '{"a":[{"anything-but":5}]}', '{"a":"5"}', true],
    ['array consistency', '{"a":{"b":[1],"c":[2]}}', '{"a":[{"b":1,"c":1},{"b":2,"c":2}]}', false],
    [
      'array consistency, one element has both',
      '{"a":{"b":[1],"c":[1]}}',
      '{"a":[{"b":1,"c":1},{"b":2,"c":2}]}',
      true,
    ],
  ])('The matcher returns the same result as AWS: %s', (_, pattern, event, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });
});

describe('content filtering', () => {
  const cases: [pattern: object, event: object, expected: boolean][] = [
    // Exact
    [{ a: ['x', 'y'] }, { a: 'y' }, true],
    [{ a: ['x'] }, { a: 'X' }, false],
    [{ a: [''] }, { a: '' }, true],
    [{ a: [null] }, { a: null }, true],
    [{ a: [null] }, {}, false],
    [{ a: [null] }, { a: 'null' }, false],
    [{ a: [true] }, { a: true }, true],
    [{ a: [true] }, { a: 'true' }, false],
    [{ a: [false] }, { a: 0 }, false],
    [{ a: [6e9] }, { a: 6e9 }, true],
    [{ a: { b: ['x'] } }, { a: { b: 'x', c: 1 } }, true],
    [{ a: { b: ['x'] } }, { a: 'x' }, false],
    [{ a: ['x'] }, { a: { b: 'x' } }, false],
    [{ a: ['x'], b: ['y'] }, { a: 'x' }, false],
    // Dotted names and nesting are one to AWS.
    [{ 'a.b': ['x'] }, { a: { b: 'x' } }, true],
    [{ a: { b: ['x'] } }, { 'a.b': 'x' }, true],
    // prefix, suffix
    [{ a: [{ prefix: 'v2.' }] }, { a: 'v2.users' }, true],
    [{ a: [{ prefix: 'v2.' }] }, { a: 'V2.users' }, false],
    [{ a: [{ prefix: '2' }] }, { a: 25 }, false],
    [{ a: [{ prefix: '' }] }, { a: 'any' }, true],
    [{ a: [{ suffix: '.png' }] }, { a: 'x.png' }, true],
    [{ a: [{ suffix: '.png' }] }, { a: 'x.PNG' }, false],
    // anything-but
    [{ a: [{ 'anything-but': 'x' }] }, { a: 'y' }, true],
    [{ a: [{ 'anything-but': 'x' }] }, { a: 'x' }, false],
    [{ a: [{ 'anything-but': 'x' }] }, {}, false],
    [{ a: [{ 'anything-but': 'x' }] }, { a: null }, true],
    [{ a: [{ 'anything-but': ['x', 'y'] }] }, { a: 'y' }, false],
    [{ a: [{ 'anything-but': [1, 2] }] }, { a: 2 }, false],
    [{ a: [{ 'anything-but': [1, 2] }] }, { a: 3 }, true],
    [{ a: [{ 'anything-but': ['x'] }] }, { a: ['x', 'y'] }, true],
    // exists
    [{ a: [{ exists: true }] }, { a: false }, true],
    [{ a: [{ exists: true }] }, {}, false],
    [{ a: [{ exists: false }] }, {}, true],
    [{ a: [{ exists: false }] }, { a: { b: 1 } }, true],
    [{ a: [{ exists: true }] }, { a: { b: 1 } }, false],
    [{ a: [{ exists: false }] }, { a: [] }, true],
    [{ a: ['x', { exists: false }] }, {}, true],
    [{ a: ['x', { exists: false }] }, { a: 'x' }, true],
    [{ a: ['x', { exists: false }] }, { a: 'y' }, false],
    [{ a: { b: [1], c: [{ exists: false }] } }, { a: [{ b: 1, c: 1 }, { b: 2 }] }, false],
    [{ a: { b: [2], c: [{ exists: false }] } }, { a: [{ b: 1, c: 1 }, { b: 2 }] }, true],
    // arrays
    [{ a: ['x'] }, { a: ['w', 'x'] }, true],
    [{ a: ['x'] }, { a: [['w'], ['x']] }, true],
    [{ a: ['x', 'y'] }, { a: ['w'] }, false],
    [{ a: ['x'], b: ['y'] }, { a: ['w', 'x'], b: ['y', 'z'] }, true],
    [{ a: { b: [1] }, c: { d: [4] } }, { a: [{ b: 1 }, { b: 2 }], c: [{ d: 3 }, { d: 4 }] }, true],
    [
      { a: { b: { x: [1], y: [4] } } },
      {
        a: [
          {
            b: [
              { x: 1, y: 2 },
              { x: 3, y: 4 },
            ],
          },
        ],
      },
      false,
    ],
    [
      { a: { b: { x: [3], y: [4] } } },
      {
        a: [
          {
            b: [
              { x: 1, y: 2 },
              { x: 3, y: 4 },
            ],
          },
        ],
      },
      true,
    ],
    // $or
    [{ $or: [{ a: [1] }, { b: [2] }] }, { b: 2 }, true],
    [{ $or: [{ a: [1] }, { b: [2] }] }, { a: 2, b: 1 }, false],
    [{ s: ['x'], $or: [{ a: [1] }, { b: [2] }] }, { s: 'y', a: 1 }, false],
    [{ d: { $or: [{ a: [1] }, { b: [2], c: [3] }] } }, { d: { b: 2, c: 3 } }, true],
    [{ d: { $or: [{ a: [1] }, { b: [2], c: [3] }] } }, { d: { b: 2, c: 4 } }, false],
    [{ $or: [{ a: [1] }, { b: [2], $or: [{ c: [3] }, { d: [4] }] }] }, { b: 2, d: 4 }, true],
    [{ $or: { a: ['x'] } }, { $or: { a: 'x' } }, true],
    [{ $or: ['x'] }, { $or: 'x' }, true],
  ];

  test.each(cases)('The pattern %j on the event %j: %s', (pattern, event, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });

  test('The elements of unrelated arrays are not combined with each other', () => {
    const values = Array.from({ length: 5_000 }, () => 'x');
    const pattern = { a: ['x'], b: ['x'], c: ['x'], d: ['missing'] };
    expect(matches(pattern, { a: values, b: values, c: values, d: values })).toBe(false);
  });
});

describe('invalid patterns', () => {
  const cases: [pattern: string, reason: RegExp][] = [
    ['{"source":"x"}', /"source" must be an object or an array \(at source\)/],
    ['{"detail":{"state":{"deep":5}}}', /"deep" must be an object or an array \(at detail\.state\.deep\)/],
    ['["x"]', /Filter is not an object/],
    ['{', /not JSON/],
    ['{}', /Empty objects are not allowed/],
    ['{"detail":{}}', /Empty objects are not allowed \(at detail\)/],
    ['{"detail":{"a":[]}}', /Empty arrays are not allowed \(at detail\.a\)/],
    ['{"a":[["x"]]}', /Match value must be .* \(at a\)/],
    ['{"a":[{}]}', /Empty objects are not allowed \(at a\)/],
    ['{"a":[{"contains":"x"}]}', /Unrecognized match type contains \(at a\)/],
    ['{"a":[{"prefix":"x","suffix":"y"}]}', /Only one key allowed/],
    ['{"a":[{"prefix":5}]}', /prefix match pattern must be a string/],
    ['{"a":[{"exists":"yes"}]}', /exists match pattern must be either true or false/],
    ['{"a":[{"anything-but":null}]}', /Value of anything-but/],
    ['{"a":[{"anything-but":[]}]}', /anything-but list/],
    ['{"a":[{"anything-but":["x",5]}]}', /mixed/],
    ['{"a":[{"anything-but":["x",null]}]}', /Value of anything-but/],
    ['{"$or":[{"a":[1]}]}', /at \$or/],
    ['{"$or":[{"a":[1]},{}]}', /Empty objects are not allowed/],
    ['{"d":{"$or":[{"a":5},{"b":[1]}]}}', /\(at d\.a\)/],
  ];

  test.each(cases)('The invalid pattern %s is refused', (pattern, reason) => {
    expect(() => compileEventPattern(pattern)).toThrow(reason);
    expect(() => compileEventPattern(pattern)).toThrow(
      expect.objectContaining({ code: 'InvalidEventPatternException' }),
    );
  });

  test.each([
    ['{"a":[{"wildcard":"x*"}]}', 'wildcard'],
    ['{"a":[{"numeric":["=",1]}]}', 'numeric'],
    ['{"a":[{"cidr":"10.0.0.0/8"}]}', 'cidr'],
    ['{"a":[{"equals-ignore-case":"x"}]}', 'equals-ignore-case'],
    ['{"a":[{"prefix":{"equals-ignore-case":"x"}}]}', 'equals-ignore-case'],
    ['{"a":[{"anything-but":{"prefix":"x"}}]}', 'anything-but with prefix'],
  ])('The pattern %s is refused with an error that names %s', (pattern, name) => {
    expect(() => compileEventPattern(pattern)).toThrow(`pattern operator "${name}" in event patterns (at a)`);
    expect(() => compileEventPattern(pattern)).toThrow(
      expect.objectContaining({ code: 'NotEmulatedException' }),
    );
  });

  test('A pattern longer than the quota is refused', () => {
    const pattern = (length: number) => `{"a":["${'x'.repeat(length - '{"a":[""]}'.length)}"]}`;
    expect(() => compileEventPattern(pattern(MAX_PATTERN_CHARACTERS))).not.toThrow();
    expect(() => compileEventPattern(pattern(MAX_PATTERN_CHARACTERS + 1))).toThrow(/2049 characters/);
  });

  test('A pattern with more $or combinations than AWS allows is refused', () => {
    const parts = Array.from({ length: 10 }, (_, index) => [`f${index}`, { $or: [{ a: [1] }, { b: [1] }] }]);
    expect(() => compileEventPattern(JSON.stringify(Object.fromEntries(parts)))).toThrow(/1000 combinations/);
    expect(() => compileEventPattern(JSON.stringify(Object.fromEntries(parts.slice(1))))).not.toThrow();
  });
});

describe('properties', () => {
  const key = fc.stringMatching(/^[a-z]{1,4}$/);
  const scalar = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const { event } = fc.letrec<{ event: object; value: unknown }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(scalar, { minLength: 1, maxLength: 3 }), tie('event')),
    event: fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 4 }),
  }));

  /** A pattern that names every leaf of the event by its value. */
  function exactPattern(value: unknown): unknown {
    if (Array.isArray(value)) return value;
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, exactPattern(member)]));
    return [value];
  }

  test('An event matches the exact pattern built from it', () => {
    fc.assert(
      fc.property(event, (sample) => {
        const pattern = JSON.stringify(exactPattern(sample));
        fc.pre(pattern.length <= MAX_PATTERN_CHARACTERS);
        expect(matches(pattern, JSON.stringify(sample))).toBe(true);
      }),
    );
  });

  test('The operator anything-but is the negation of an exact match on a scalar that exists', () => {
    const strings = fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 5 });
    const numbers = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.oneof(strings, numbers), scalar, fc.nat(), (values, other, pick) => {
        for (const a of [other, values[pick % values.length]]) {
          const excluded = matches({ a: [{ 'anything-but': values }] }, { a });
          expect(excluded).toBe(!matches({ a: values }, { a }));
        }
      }),
    );
  });

  test('A condition on another field narrows a pattern, and another value widens it', () => {
    fc.assert(
      fc.property(event, event, fc.boolean(), scalar, scalar, (sample, other, own, here, wanted) => {
        // No generated key is in capitals.
        const extended = { ...sample, EXTRA: here };
        const pattern = exactPattern(own ? sample : other) as object;
        fc.pre(JSON.stringify(pattern).length < MAX_PATTERN_CHARACTERS / 2);
        const matched = matches(pattern, extended);
        const narrower = matches({ ...pattern, EXTRA: [wanted] }, extended);
        expect(narrower).toBe(matched && matches({ EXTRA: [wanted] }, { EXTRA: here }));
        expect(matches({ ...pattern, EXTRA: [wanted, here] }, extended)).toBe(matched);
      }),
    );
  });

  test('The elements of one array match together or not at all', () => {
    const pair = fc.record({ b: fc.nat(2), c: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 5 }), pair, (a, wanted) => {
        const expected = a.some(({ b, c }) => b === wanted.b && c === wanted.c);
        expect(matches({ a: { b: [wanted.b], c: [wanted.c] } }, { a })).toBe(expected);
      }),
    );
  });
});
