import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { environmentRows } from '../../docs/environment-rows.ts';
import { type SettingRow, settingsTable } from '../../docs/markdown-table.ts';
import { propertyRows } from '../../docs/property-rows.ts';
import { DEFAULTS, LIMITS } from '../../lib/cdk/index.ts';

const PROPERTIES_FILE = resolve(import.meta.dirname, '../../lib/cdk/switchboard-props.ts');
const COMPUTE_FILE = resolve(import.meta.dirname, '../../lib/cdk/compute-props.ts');

describe('Environment variables', () => {
  const description = 'A setting.';

  test.each<[string, z.ZodType, Partial<SettingRow>]>([
    ['a required string', z.string().min(1), { type: 'string', default: 'required' }],
    ['an optional string', z.string().trim().min(1).optional(), { type: 'string', default: 'none' }],
    ['a string with limits', z.string().min(3).max(9), { type: 'string, 3-9 characters' }],
    ['a string with a minimum', z.string().min(3), { type: 'string, at least 3 characters' }],
    ['a URL', z.url(), { type: 'URL' }],
    ['a transformed URL', z.url().optional().transform(String), { type: 'URL', default: 'none' }],
    [
      'an integer',
      z.coerce.number().int().min(5).max(9).default(7),
      { type: 'integer, 5-9', default: '`7`' },
    ],
    ['an unlimited integer', z.coerce.number().int().default(7), { type: 'integer' }],
    ['a number with a minimum', z.coerce.number().min(0.5), { type: 'number, at least 0.5' }],
    ['an enum', z.enum(['A', 'B']).default('A'), { type: '`A`, `B`', default: '`A`' }],
  ])('The reference describes %s', (_, schema, expected) => {
    const rows = environmentRows(z.object({ SETTING: schema.meta({ description }) }));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ name: 'SETTING', description, ...expected });
  });

  test('The metadata of a variable can replace the type and the missing default', () => {
    const schema = z.string().regex(/^a+$/).optional();
    const meta = { description, typeText: 'the letter a', defaultText: 'required without `OTHER`' };
    expect(environmentRows(z.object({ SETTING: schema.meta(meta) }))).toEqual([
      { name: 'SETTING', type: 'the letter a', default: 'required without `OTHER`', description },
    ]);
  });

  test.each<[string, z.ZodType, string]>([
    ['no description', z.string(), 'SETTING has no description: add .meta({ description })'],
    ['a pattern', z.string().regex(/a/).meta({ description }), 'SETTING has a pattern'],
    ['no type', z.any().meta({ description }), 'SETTING has no type'],
    ['an unsupported type', z.array(z.string()).meta({ description }), 'SETTING has a schema that is not'],
    ['unknown metadata', z.string().meta({ description, text: 'x' }), 'SETTING has a schema that is not'],
  ])('A variable with %s is rejected', (_, schema, message) => {
    expect(() => environmentRows(z.object({ SETTING: schema }))).toThrow(message);
  });
});

describe('Properties of an interface', () => {
  const rowsOf = (members: string) => propertyRows(`export interface Props {\n${members}\n}\n`, 'Props');

  test('The reference describes required and optional properties', () => {
    const rows = rowsOf(`
      /**
       * The first
       * setting.
       * @example ['a']
       */
      readonly first: string | (string & {});
      /** Another. @default 7 */
      readonly second?: number;
      /**
       * A third.
       *
       * @default - a new one, which
       *   costs nothing
       */
      readonly third?: A<B>;`);
    expect(rows).toEqual([
      {
        name: 'first',
        type: '`string | string`',
        default: 'required',
        description: "The first setting. Example: `['a']`.",
      },
      { name: 'second', type: '`number`', default: '`7`', description: 'Another.' },
      { name: 'third', type: '`A<B>`', default: 'a new one, which costs nothing', description: 'A third.' },
    ]);
  });

  test.each([
    ['without a comment', 'a: string;', 'a has no description'],
    ['without a description', '/** @default 1 */ a?: number;', 'a has no description'],
    ['that is optional without a default', '/** A. */ a?: number;', 'a has no default'],
    ['that is required with a default', '/** A. @default 1 */ a: number;', 'a is required'],
    ['with an unknown tag', '/** A. @deprecated Use b. */ a: number;', 'a has the tag @deprecated'],
    ['with a link', '/** See {@link B}. */ a: number;', 'a has a link'],
    ['that is a method', '/** A. */ a(): void;', 'The member "a(): void;" is not supported'],
  ])('A property %s is rejected', (_, members, message) => {
    expect(() => rowsOf(members)).toThrow(message);
  });

  test('A missing interface is rejected', () => {
    expect(() => propertyRows('export {};', 'Props')).toThrow('does not contain the interface Props');
  });
});

describe('Properties of the construct', () => {
  let rows: SettingRow[];
  beforeAll(() => {
    rows = [
      ...propertyRows(readFileSync(PROPERTIES_FILE, 'utf8'), 'SwitchboardProps'),
      ...propertyRows(readFileSync(COMPUTE_FILE, 'utf8'), 'ComputeProps'),
    ];
  });

  test('The reference contains only the topics as required', () => {
    const required = rows.filter((row) => row.default === 'required').map(({ name }) => name);
    expect(required).toEqual(['topics']);
  });

  test.each(Object.entries(LIMITS))('The description of %s contains its limits', (name, { min, max }) => {
    expect(rows.find((row) => row.name === name)?.description).toContain(`${min}-${max}`);
  });

  test.each(Object.entries(DEFAULTS))('The documented default of %s is its real default', (name, value) => {
    const shown = typeof value === 'string' ? `'${value}'` : String(value);
    expect(rows.find((row) => row.name === name)?.default).toBe(`\`${shown}\``);
  });
});

test('A table escapes pipe characters and joins lines', () => {
  const table = settingsTable('Name', [{ name: 'A|B', type: 'x | y', default: 'none', description: 'a\nb' }]);
  expect(table.split('\n').at(-1)).toBe('| `A\\|B` | x \\| y | none | a b |');
});
