import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { canonicalJson } from '../../lib/events/canonical-json.ts';
import { exactInteger, isExactNumber, parseExactJson } from '../../lib/events/exact-json.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import { frameSchema } from '../../lib/events/schema.ts';
import { jsonBody } from './json.ts';

/** Numbers that `JSON.parse` followed by `JSON.stringify` changes. */
const INEXACT = [
  '9007199254740993',
  '-9007199254740993',
  '12345678901234567890',
  '123456789.123456789',
  '0.1234567890123456789',
  '1e400',
  '-1E+400',
  '1.5e-400',
];

describe('long numbers', () => {
  test.each(INEXACT)(
    'The number %s is written with the same digits again, wherever it is in a value',
    (number) => {
      for (const text of [
        `[${number}]`,
        `[1,${number},2]`,
        `{"a":${number}}`,
        `{"a":[{"__proto__":${number}}],"rawJSON":"x"}`,
      ])
        expect(JSON.stringify(parseExactJson(text))).toBe(text);
      const spaced = parseExactJson(`{ "a" :\n\t${number} }`) as { a: unknown };
      expect(isExactNumber(spaced.a)).toBe(true);
    },
  );

  test.each([
    '0',
    '1.50',
    '1774055395225',
    '9007199254740991',
    '9007199254740992',
    '1774055395225123',
    '0.9286075830459595',
    '1e10',
    '1.7976931348623157e+308',
  ])('The number %s is a JavaScript number', (number) => {
    expect(parseExactJson(`{"a":${number},"b":1e400}`)).toMatchObject({ a: Number(number) });
    expect(parseExactJson(`{"a":${number}}`)).toEqual({ a: Number(number) });
  });

  test('Digits in strings stay strings', () => {
    const text = '{"9007199254740993":"9007199254740993, 9007199254740993 1e400"}';
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    '{"a":"K 797216e215afa","b":"x 12345678901234567"}',
    '{"a":["12345678901234567","1e400"],"b":["-1e400"]}',
    '{"at":1774055395225,"ms":0.25,"exponent":1e10}',
  ])('Text without long numbers is parsed at the full speed of JSON.parse, without a reviver: %s', (text) => {
    const parse = vi.spyOn(JSON, 'parse');
    try {
      parseExactJson(text);
      expect(parse.mock.calls).toEqual([[text]]);
    } finally {
      parse.mockRestore();
    }
  });

  test('Any JSON between long numbers is parsed as JSON.parse does', () => {
    fc.assert(
      fc.property(jsonBody(), fc.constantFrom(...INEXACT), (body, number) => {
        const text = JSON.stringify(body);
        const [parsed, exact] = parseExactJson(`[${text},${number}]`) as [unknown, unknown];
        expect(JSON.stringify(parsed)).toBe(text);
        expect(JSON.stringify(exact)).toBe(number);
        expect(parseExactJson(text)).toEqual(body);
      }),
    );
  });

  test.each(['', '{', '[9007199254740993', '[9007199254740993]]', '{"a":9007199254740993,}'])(
    'Text that is not JSON is refused: %s',
    (text) => {
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
    },
  );

  test('A value that is nested 100,000 levels deep is parsed', () => {
    const text = `${'['.repeat(100_000)}9007199254740993${']'.repeat(100_000)}`;
    expect(Array.isArray(parseExactJson(text))).toBe(true);
  });
});

describe('keys with escape sequences', () => {
  const keysOf = (text: string) => Object.keys(parseExactJson(text) as object);

  test.each([String.raw`\"`, String.raw`\n`, String.raw`\ufffe`, String.raw`\u0041`])(
    'The key %s is right, although an object with a backslash as key was parsed before',
    (escaped) => {
      // With JSON.parse, the second object would have a backslash as key.
      expect(keysOf(String.raw`{"h":[],"\\":0}`)).toEqual(['h', '\\']);
      expect(keysOf(`{"h":1,"${escaped}":2}`)).toEqual(['h', JSON.parse(`"${escaped}"`)]);
      expect(parseExactJson(`[{"h":1,"${escaped}" \n: 9007199254740993}]`)).toEqual([
        { h: 1, [JSON.parse(`"${escaped}"`)]: exactInteger(9_007_199_254_740_993n) },
      ]);
    },
  );

  test('Of equal keys, escaped or not, the last value and the first position count', () => {
    const text = String.raw`{"\u0041":1,"b":2,"A":3,"\n":4,"\u000a":5,"\u005f_proto__":6}`;
    expect(JSON.stringify(parseExactJson(text))).toBe(String.raw`{"A":3,"b":2,"\n":5,"__proto__":6}`);
  });

  test.each([
    String.raw`{"b":1,\"a":1}`,
    String.raw`{\"a":1}`,
    String.raw`{"\x":1}`,
    String.raw`{"\n`,
    String.raw`{"\n":}`,
    '\\',
  ])('Text that is not JSON is refused: %s', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  test('A value that is nested 100,000 levels deep is parsed', () => {
    const text = `${String.raw`{"\n":`.repeat(100_000)}1${'}'.repeat(100_000)}`;
    expect(parseExactJson(text)).toBeTypeOf('object');
  });
});

describe('events with long numbers', () => {
  const frameOf = (n: string) =>
    frameSchema.parse(parseExactJson(`{"topicName":"v2.x","eventBody":{"n":${n}},"other":[${n}]}`));

  test('The schema keeps them', () => {
    expect(JSON.stringify(frameOf('9007199254740993'))).toBe(
      '{"topicName":"v2.x","eventBody":{"n":9007199254740993},"other":[9007199254740993]}',
    );
  });

  test.each(['eventBody', 'metadata'])('A number is no %s', (name) => {
    const text = `{"topicName":"v2.x","eventBody":{},"${name}":9007199254740993}`;
    expect(frameSchema.safeParse(parseExactJson(text)).success).toBe(false);
  });

  test('Numbers that a double cannot distinguish result in different identities, and equal ones in the same identity', () => {
    const ids = ['9007199254740992', '9007199254740993', '9007199254740994', '1e400', '1e401', 'null'].map(
      (n) => contentIdentity(frameOf(n)),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(contentIdentity(frameOf('9007199254740993'))).toBe(ids[1]);
  });

  test('An object with a key named rawJSON is not a number', () => {
    expect(canonicalJson({ rawJSON: '1' })).toBe('{"rawJSON":"1"}');
    expect(canonicalJson(parseExactJson('{"b":9007199254740993,"a":1}'))).toBe(
      '{"a":1,"b":9007199254740993}',
    );
  });
});

test.each([
  [5n, '5'],
  [-9_007_199_254_740_991n, '-9007199254740991'],
  [9_007_199_254_740_993n, '9007199254740993'],
  [18_446_744_073_709_551_615n, '18446744073709551615'],
])('The integer %s is written with its digits', (value, text) => {
  expect(JSON.stringify(exactInteger(value))).toBe(text);
});
