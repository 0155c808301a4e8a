import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  assertDepth,
  canonicalJson,
  MAX_DEPTH_LEVELS,
  TooDeepError,
} from '../../lib/events/canonical-json.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import { anyText, jsonBody, reordered } from './json.ts';

const canonical = (json: string) => canonicalJson(JSON.parse(json));
const nested = (levels: number, [open, close]: readonly [string, string]) =>
  JSON.parse(`${open.repeat(levels)}0${close.repeat(levels)}`) as unknown;
const ARRAY = ['[', ']'] as const;
const OBJECT = ['{"a":', '}'] as const;
/** Nested in a member that an assignment would take for the prototype. */
const PROTOTYPE = ['{"a":0,"__proto__":', '}'] as const;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('RFC 8785', () => {
  test('The sample of section 3.2.2 has the canonical text of the RFC', () => {
    const sample = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonical(sample)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('Keys are in the order of their UTF-16 code units, not of their code points (section 3.2.3)', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(JSON.parse(text) as object).slice(1)).toEqual([
      '\r',
      '\u0080',
      '\u00f6',
      '\u20ac',
      '\u{1f600}',
      '\ufb33',
    ]);
    expect(text.indexOf('"1"')).toBeGreaterThan(text.indexOf('"\\r"'));
    expect(text.indexOf('"1"')).toBeLessThan(text.indexOf('"\u0080"'));
  });

  test.each([
    ['1', ['1', '1.0', '1e0', '10e-1', '0.1E+1']],
    ['0', ['0', '-0', '0.0', '-0e5']],
    ['1e+21', ['1e21', '1000000000000000000000']],
    ['1e-7', ['0.0000001', '1E-7']],
    ['9007199254740992', ['9007199254740992', '9007199254740992.0']],
  ])('The number %s has one canonical form for all its spellings', (form, spellings) => {
    for (const spelling of spellings) expect(canonical(spelling)).toBe(form);
  });
});

test('Escaped and plain characters have the same canonical text', () => {
  expect(canonical(String.raw`"\u0041\u00e4\ud83d\ude00\/"`)).toBe('"Aä😀/"');
});

test('Lone surrogates differ from each other and from the replacement character', () => {
  const texts = ['"\\ud800"', '"\\ud801"', '"\\udc00"', '"\\ufffd"', '"\\udc00\\ud800"'].map(canonical);
  expect(new Set(texts).size).toBe(texts.length);
  for (const text of texts) expect(Buffer.from(text).toString()).toBe(text);
});

test('A key named __proto__ is an ordinary key', () => {
  expect(canonical('{"b":1,"__proto__":{"x":2},"a":3}')).toBe('{"__proto__":{"x":2},"a":3,"b":1}');
  expect(canonical('{"__proto__":1}')).not.toBe(canonical('{"__proto__":2}'));
  expect(canonical('{"constructor":1,"toString":2}')).toBe('{"constructor":1,"toString":2}');
});

test('A key named undefined is an ordinary key', () => {
  expect(canonical('{"undefined":1,"a":2}')).toBe('{"a":2,"undefined":1}');
});

test('Keys with commas, with quotes or without characters are not mixed up', () => {
  const objects = [
    '{"a,b":1,"c":2}',
    '{"a":1,"b,c":2}',
    '{"a":1,"b":2,"c":3}',
    '{"a,b,c":1}',
    '{"":1,",":2}',
    '{",,":1}',
    '{"":1}',
    '{}',
  ];
  for (const json of [...objects, ...objects]) expect(canonical(json)).toBe(json);
  expect(canonical('{"b\\"":1,"a\\"":2}')).toBe('{"a\\"":2,"b\\"":1}');
});

test('Many different key sets, and very long ones, are sorted correctly', () => {
  for (let index = 0; index < 5_000; index++) {
    expect(canonical(`{"b${index}":{"z":1,"y":2},"a${index}":[]}`)).toBe(
      `{"a${index}":[],"b${index}":{"y":2,"z":1}}`,
    );
  }
  const keys = Array.from({ length: 2_000 }, (_, index) => `key${String(index).padStart(4, '0')}`);
  const members = keys.map((key) => `"${key}":0`);
  expect(canonical(`{${members.toReversed().join(',')}}`)).toBe(`{${members.join(',')}}`);
});

describe('the cache of key orders', () => {
  /** How many key sets are in the cache after each of these objects. */
  const sizesAfter = (objects: readonly object[]) => {
    const store = vi.spyOn(Map.prototype, 'set');
    return objects.flatMap((object) => {
      store.mockClear();
      canonicalJson(object);
      return store.mock.contexts.map((cache) => (cache as Map<unknown, unknown>).size);
    });
  };

  test('The cache holds at most 2,000 key sets', () => {
    const sizes = sizesAfter(Array.from({ length: 5_000 }, (_, index) => ({ [`cached${index}`]: 0 })));
    expect(Math.max(...sizes)).toBe(2_000);
  });

  test('A key set is stored once, and not if its names have more than 4,000 characters', () => {
    const [longest, longer] = [{ ['x'.repeat(4_000)]: 0 }, { ['x'.repeat(4_001)]: 0 }];
    expect(sizesAfter([longest, longest, longer, { ...longest }])).toHaveLength(1);
  });
});

test('Values that JSON does not support are omitted, as in JSON.stringify', () => {
  const value = { a: undefined, b: [undefined, 1], c: undefined };
  expect(canonicalJson(value)).toBe(JSON.stringify(value));
  expect(canonicalJson(undefined)).toBe('null');
});

describe('nesting', () => {
  test.each([ARRAY, OBJECT])(
    `Nesting of ${MAX_DEPTH_LEVELS} levels of %s is accepted, and one more level is refused`,
    (...marks) => {
      expect(canonicalJson(nested(MAX_DEPTH_LEVELS, marks))).toBe(
        JSON.stringify(nested(MAX_DEPTH_LEVELS, marks)),
      );
      expect(() => canonicalJson(nested(MAX_DEPTH_LEVELS + 1, marks))).toThrow(TooDeepError);
    },
  );

  test.each([ARRAY, OBJECT, PROTOTYPE])(
    `Without a canonical text, nesting of ${MAX_DEPTH_LEVELS} levels of %s is accepted, and one more is refused`,
    (...marks) => {
      expect(() => assertDepth(nested(MAX_DEPTH_LEVELS, marks))).not.toThrow();
      expect(() => assertDepth(nested(MAX_DEPTH_LEVELS + 1, marks))).toThrow(TooDeepError);
    },
  );

  test('Values in the deepest accepted level do not count as another level', () => {
    let value: unknown = [null, 1, 'text', true];
    for (let levels = 1; levels < MAX_DEPTH_LEVELS; levels++) value = [value];
    expect(() => assertDepth(value)).not.toThrow();
    expect(canonicalJson(value)).toBe(JSON.stringify(value));
  });

  test('Nesting of 200,000 levels is refused with a code, without exhausting the stack', () => {
    expect(() => canonicalJson(nested(200_000, ARRAY))).toThrow(
      expect.objectContaining({
        code: 'too_deep',
        retriable: false,
        name: 'TooDeepError',
        message: 'JSON is nested more than 128 levels deep',
      }),
    );
  });
});

describe('the canonical text of any JSON value', () => {
  test('The order of keys and white space do not change the canonical text', () => {
    fc.assert(
      fc.property(jsonBody(), fc.constantFrom('', ' ', '\t', '\n  '), (body, space) => {
        const written = JSON.stringify(reordered(body), null, space);
        expect(canonical(written)).toBe(canonicalJson(body));
      }),
    );
  });

  test('The canonical text has the same value, and it is its own canonical text', () => {
    fc.assert(
      fc.property(jsonBody(), (body) => {
        const text = canonicalJson(body);
        expect(isDeepStrictEqual(parseExactJson(text), parseExactJson(JSON.stringify(body)))).toBe(true);
        expect(canonical(text)).toBe(text);
      }),
    );
  });

  test('Two values have the same canonical text exactly when they are equal', () => {
    fc.assert(
      fc.property(jsonBody(), jsonBody(), (one, two) => {
        const equal = isDeepStrictEqual(
          parseExactJson(JSON.stringify(one)),
          parseExactJson(JSON.stringify(two)),
        );
        expect(canonicalJson(one) === canonicalJson(two)).toBe(equal);
      }),
    );
  });

  test('The keys of the canonical text are sorted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText()), (keys) => {
        const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, null])));
        const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1));
        expect(text).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:null`).join(',')}}`);
      }),
    );
  });
});
