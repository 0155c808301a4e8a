import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, MAX_DEPTH_LEVELS, TooDeepError } from '../../lib/events/canonical-json.ts';
import { anyText, jsonBody, reordered } from './json.ts';

const canonical = (json: string) => canonicalJson(JSON.parse(json));
const nested = (levels: number, [open, close]: readonly [string, string]) =>
  JSON.parse(`${open.repeat(levels)}0${close.repeat(levels)}`) as unknown;
const ARRAY = ['[', ']'] as const;
const OBJECT = ['{"a":', '}'] as const;

describe('RFC 8785', () => {
  test('the sample of section 3.2.2', () => {
    const sample = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonical(sample)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('keys are in the order of their UTF-16 code units, not of their code points (section 3.2.3)', () => {
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
  ])('%s has one form', (form, spellings) => {
    for (const spelling of spellings) expect(canonical(spelling)).toBe(form);
  });
});

test('escaped and plain characters are the same', () => {
  expect(canonical(String.raw`"\u0041\u00e4\ud83d\ude00\/"`)).toBe('"Aä😀/"');
});

test('lone surrogates stay apart from each other and from the replacement character', () => {
  const texts = ['"\\ud800"', '"\\ud801"', '"\\udc00"', '"\\ufffd"', '"\\udc00\\ud800"'].map(canonical);
  expect(new Set(texts).size).toBe(texts.length);
  for (const text of texts) expect(Buffer.from(text).toString()).toBe(text);
});

test('a key named __proto__ is a key like others', () => {
  expect(canonical('{"b":1,"__proto__":{"x":2},"a":3}')).toBe('{"__proto__":{"x":2},"a":3,"b":1}');
  expect(canonical('{"__proto__":1}')).not.toBe(canonical('{"__proto__":2}'));
  expect(canonical('{"constructor":1,"toString":2}')).toBe('{"constructor":1,"toString":2}');
});

test('keys that hold commas, quotes or nothing are not taken for others', () => {
  const objects = [
    '{"a,b":1,"c":2}',
    '{"a":1,"b,c":2}',
    '{"a":1,"b":2,"c":3}',
    '{"a,b,c":1}',
    '{"":1,",":2}',
    '{",,":1}',
  ];
  for (const json of [...objects, ...objects]) expect(canonical(json)).toBe(json);
  expect(canonical('{"b\\"":1,"a\\"":2}')).toBe('{"a\\"":2,"b\\"":1}');
});

test('ever new sets of keys, and very long ones, are sorted like the first', () => {
  for (let index = 0; index < 5_000; index++) {
    expect(canonical(`{"b${index}":{"z":1,"y":2},"a${index}":[]}`)).toBe(
      `{"a${index}":[],"b${index}":{"y":2,"z":1}}`,
    );
  }
  const keys = Array.from({ length: 2_000 }, (_, index) => `key${String(index).padStart(4, '0')}`);
  const members = keys.map((key) => `"${key}":0`);
  expect(canonical(`{${members.toReversed().join(',')}}`)).toBe(`{${members.join(',')}}`);
});

test('what JSON does not have is left out as JSON.stringify does', () => {
  const value = { a: undefined, b: [undefined, 1], c: undefined };
  expect(canonicalJson(value)).toBe(JSON.stringify(value));
  expect(canonicalJson(undefined)).toBe('null');
});

describe('nesting', () => {
  test.each([ARRAY, OBJECT])(
    `of ${MAX_DEPTH_LEVELS} levels is accepted, one more is refused: %s`,
    (...marks) => {
      expect(canonicalJson(nested(MAX_DEPTH_LEVELS, marks))).toBe(
        JSON.stringify(nested(MAX_DEPTH_LEVELS, marks)),
      );
      expect(() => canonicalJson(nested(MAX_DEPTH_LEVELS + 1, marks))).toThrow(TooDeepError);
    },
  );

  test('of 200,000 levels is refused without exhausting the stack, with a code', () => {
    expect(() => canonicalJson(nested(200_000, ARRAY))).toThrow(
      expect.objectContaining({ code: 'too_deep', retriable: false, name: 'TooDeepError' }),
    );
  });
});

describe('for any JSON value', () => {
  test('the order of keys and white space do not matter', () => {
    fc.assert(
      fc.property(jsonBody(), fc.constantFrom('', ' ', '\t', '\n  '), (body, space) => {
        const written = JSON.stringify(reordered(body), null, space);
        expect(canonical(written)).toBe(canonicalJson(body));
      }),
    );
  });

  test('the canonical text has the same value and is its own canonical text', () => {
    fc.assert(
      fc.property(jsonBody(), (body) => {
        const text = canonicalJson(body);
        expect(isDeepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(body)))).toBe(true);
        expect(canonical(text)).toBe(text);
      }),
    );
  });

  test('two values have the same text only when they are equal', () => {
    fc.assert(
      fc.property(jsonBody(), jsonBody(), (one, two) => {
        const equal = isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(two)));
        expect(canonicalJson(one) === canonicalJson(two)).toBe(equal);
      }),
    );
  });

  test('its keys are sorted at every level', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyText()), (keys) => {
        const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, null])));
        const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1));
        expect(text).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:null`).join(',')}}`);
      }),
    );
  });
});
