import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  contentRedactionConfig,
  contentRedactionEnvironment,
  contentRedactionProblems,
  hashKeyProblems,
  needsHashKey,
} from '../../lib/events/content-rules.ts';

const KEY = 'a key of at least thirty-two characters';
const environment = z.object(contentRedactionEnvironment);
const read = (set: Record<string, string>) => contentRedactionConfig(environment.parse(set));

describe('options', () => {
  test.each([
    [{ preset: 'structural' }],
    [{ drop: ['a', 'a.*.b', '**.c', 'a\\.b', '**'] }],
    [{ preset: 'structural', keep: ['a'], hash: ['b'], mask: ['c'] }],
    [{ hash: ['b'], mask: ['c'] }],
    [{ drop: ['a'], hash: ['b'] }],
    [{ drop: ['x'.repeat(256)] }],
  ])('%j is valid', (options) => {
    expect(contentRedactionProblems(options)).toEqual([]);
  });

  test('Every problem is listed with the path that it is about', () => {
    const drop = ['', 'a..b', '.a', 'a.', 'a.b*', '***', 'x'.repeat(257), 'eventBody.ani'];
    expect(contentRedactionProblems({ preset: 'strict', drop, hash: 'ani', mask: [1], dropp: [] })).toEqual([
      expect.stringMatching(/^\.preset is not one of structural$/),
      expect.stringMatching(/^\.drop\[0\] \(\) is empty$/),
      expect.stringMatching(/^\.drop\[1\] \(a\.\.b\) has an empty name/),
      expect.stringMatching(/^\.drop\[2\] \(\.a\) has an empty name/),
      expect.stringMatching(/^\.drop\[3\] \(a\.\) has an empty name/),
      expect.stringMatching(/^\.drop\[4\] \(a\.b\*\) has b\*, but \* and \*\* stand for whole names only$/),
      expect.stringMatching(/^\.drop\[5\] \(\*\*\*\) has \*\*\*, but/),
      expect.stringMatching(/^\.drop\[6\] \(x+\) has more than 256 characters$/),
      expect.stringMatching(/^\.drop\[7\] \(eventBody\.ani\) begins with eventBody, but/),
      expect.stringMatching(/^\.hash is not a list of paths$/),
      expect.stringMatching(/^\.mask\[0\] /),
      expect.stringMatching(/^ has the unknown member dropp; use preset, drop, hash, mask, keep$/),
    ]);
  });

  test.each([
    [{ drop: Array.from({ length: 101 }, () => 'a') }, /\.drop has more than 100 paths/],
    [{ one: 1, two: 2 }, /^ has the unknown member one, two; use/],
    [{}, /redacts nothing/],
    [{ keep: ['a'] }, /redacts nothing/],
    ['structural', /is not a preset or an object/],
    [undefined, /is not a preset or an object/],
  ])('%j is refused', (options, problem) => {
    expect(contentRedactionProblems(options)).toEqual([expect.stringMatching(problem)]);
  });

  test('Only hashes need a key', () => {
    expect(needsHashKey({ hash: ['a'] })).toBe(true);
    expect([needsHashKey({}), needsHashKey({ hash: [] })]).toEqual([false, false]);
  });
});

describe('environment variables', () => {
  test('The preset has a name, and options are JSON', () => {
    expect(read({ REDACTION: ' structural ' })).toEqual({ preset: 'structural', rules: [], key: undefined });
    expect(read({ REDACTION: ' {"keep":["b"],"drop":["a"]}' })).toEqual({
      preset: undefined,
      rules: [
        { path: 'a', action: 'drop' },
        { path: 'b', action: 'keep' },
      ],
      key: undefined,
    });
    expect(read({ REDACTION_KEY: KEY })).toBeUndefined();
  });

  test('The key is a secret, or else a variable', () => {
    const REDACTION = '{"hash":["a"]}';
    expect(read({ REDACTION, REDACTION_KEY: KEY })).toMatchObject({ key: { text: KEY } });
    expect(read({ REDACTION, REDACTION_KEY: KEY, REDACTION_SECRET_ID: 'a/secret' })).toMatchObject({
      key: { secretId: 'a/secret' },
    });
    expect(environment.safeParse({ REDACTION_SECRET_ID: '' }).success).toBe(false);
    for (const unhashed of ['structural', '{"drop":["a"]}'])
      expect(read({ REDACTION: unhashed, REDACTION_KEY: KEY })).toMatchObject({ key: undefined });
    expect(read({ REDACTION })).toMatchObject({ key: undefined });
  });

  test.each([
    ['loose', ['preset is not one of structural']],
    ['{"a.b":1}', ['has the unknown member a.b; use']],
    ['{"drop":[".a","b."]}', ['drop[0] (.a) has', 'drop[1] (b.) has']],
    ['{"drop":', ['is not a preset or an object']],
    ['{}', ['redacts nothing']],
  ])('REDACTION=%s is refused with every problem', (REDACTION, problems) => {
    const { error } = environment.safeParse({ REDACTION });
    expect(error?.issues.map(({ path, message }) => [path, message])).toEqual(
      // A problem begins with the member that it is about.
      problems.map((problem) => [
        ['REDACTION'],
        expect.toSatisfy((text: string) => text.startsWith(problem)),
      ]),
    );
  });

  test('A short key is refused', () => {
    const { error } = environment.safeParse({ REDACTION_KEY: 'short' });
    expect(error?.issues).toMatchObject([
      { path: ['REDACTION_KEY'], message: 'has fewer than 32 characters' },
    ]);
  });

  test('Hashes without a key are a problem', () => {
    const set = environment.parse({ REDACTION: '{"hash":["a"]}' });
    expect(hashKeyProblems(set)).toEqual([expect.stringMatching(/^REDACTION_SECRET_ID is missing/)]);
    expect(hashKeyProblems({ ...set, REDACTION_KEY: KEY })).toEqual([]);
    expect(hashKeyProblems({ ...set, REDACTION_SECRET_ID: 's' })).toEqual([]);
    expect(hashKeyProblems({})).toEqual([]);
    for (const REDACTION of ['structural', '{"drop":["a"]}'])
      expect(hashKeyProblems(environment.parse({ REDACTION }))).toEqual([]);
  });

  test('A setting that could not be parsed has no problem with its key', () => {
    expect(hashKeyProblems({ REDACTION: '{"hash":' as never })).toEqual([]);
  });
});
