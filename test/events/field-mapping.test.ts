import { describe, expect, test } from 'vitest';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import {
  FieldMapping,
  FieldMappingError,
  type FieldMappingOptions,
  fieldMappingProblems,
  MAX_FIELDS,
  parseFieldMapping,
} from '../../lib/events/field-mapping.ts';

const EVENT = {
  version: '0',
  id: 'e1',
  'detail-type': 'v2.users.{id}.presence',
  source: 'genesys.cloud',
  account: '111122223333',
  time: '2026-11-20T10:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: {
    topicName: 'v2.users.u1.presence',
    eventBody: {
      id: 'u1',
      count: 3,
      isOn: false,
      none: null,
      'a.b': 'dotted',
      media: { kind: 'voice' },
      participants: [{ purpose: 'agent' }, { purpose: 'customer' }],
    },
  },
};

function apply(options: FieldMappingOptions, event: unknown = EVENT) {
  expect(fieldMappingProblems(options)).toEqual([]);
  return parseFieldMapping(JSON.stringify(options)).apply(event);
}

describe('Fields that are not valid', () => {
  test('Every problem is listed with its field', () => {
    expect(
      fieldMappingProblems({
        empty: '',
        gap: 'detail..id',
        end: 'detail.',
        long: `detail.${'x'.repeat(250)}`,
        elsewhere: 'eventBody.id',
        any: 'detail.eventBody.participants.*.purpose',
        missing: { type: 'string' },
        wrong: { path: 'detail', type: 'text', optional: 'yes', default: 1 },
        number: 7,
        '': 'detail',
        ['n'.repeat(129)]: 'detail',
      }),
    ).toEqual([
      '.empty () is empty',
      '.gap (detail..id) has an empty name between two dots, or at an end',
      '.end (detail.) has an empty name between two dots, or at an end',
      expect.stringMatching(/^\.long \(detail\.x+\) has more than 256 characters$/),
      '.elsewhere (eventBody.id) begins with eventBody, but an event has version, id, detail-type, source, account, time, region, resources, detail',
      '.any (detail.eventBody.participants.*.purpose) has *, but a path selects a single value; use an index such as 0',
      '.missing has no path',
      '.wrong has a type that is not one of string, number, boolean, object, array',
      '.wrong has a value for optional that is not true or false',
      '.wrong has the unknown member default; use path, type and optional',
      '.number is not a path or an object with a path',
      ' has a field without a name',
      expect.stringMatching(/^ has a name with more than 128 characters: n+$/),
    ]);
  });

  test('A field cannot have the name of the prototype', () => {
    expect(fieldMappingProblems(JSON.parse('{"__proto__":"detail"}'))).toEqual([
      '.__proto__ is not allowed as a name',
    ]);
  });

  test.each([undefined, null, 'detail.id', ['detail.id'], 7])('%j is not a mapping', (options) => {
    expect(fieldMappingProblems(options)).toEqual([' is not an object with a path for each field']);
  });

  test('There is at least one field, and at most the limit', () => {
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 'detail']));
    expect(fieldMappingProblems({})).toEqual([' is empty: specify a field, or omit it']);
    expect(fieldMappingProblems(fields(MAX_FIELDS))).toEqual([]);
    expect(fieldMappingProblems(fields(MAX_FIELDS + 1))).toEqual([
      ` has ${MAX_FIELDS + 1} fields, but at most ${MAX_FIELDS} are allowed`,
    ]);
  });

  test('The text of the variable is refused with every problem in the message', () => {
    expect(() => parseFieldMapping('{"a":"","b":"x"}')).toThrow(FieldMappingError);
    expect(() => parseFieldMapping('{"a":"","b":"x"}')).toThrow(
      /2 problem\(s\): a \(\) is empty; b \(x\) begins with x/,
    );
    expect(() => parseFieldMapping('{')).toThrow(/1 problem\(s\): is not an object with a path/);
    expect(new FieldMappingError([])).toMatchObject({
      name: 'FieldMappingError',
      code: 'invalid_field_mapping',
      retriable: false,
    });
  });
});

describe('The body of an event', () => {
  test('It has a member for each field, in the order of the fields', () => {
    const mapped = apply({
      contactId: 'detail.eventBody.id',
      type: 'detail-type',
      second: 'detail.eventBody.participants.1.purpose',
      dotted: 'detail.eventBody.a\\.b',
      all: { path: 'detail.eventBody.media', type: 'object' },
      list: { path: 'detail.eventBody.participants', type: 'array' },
      count: { path: 'detail.eventBody.count', type: 'number' },
      isOn: { path: 'detail.eventBody.isOn', type: 'boolean' },
      'name.with.dots': { path: 'detail.topicName', type: 'string' },
    });
    expect(JSON.stringify(mapped)).toBe(
      JSON.stringify({
        kind: 'mapped',
        value: {
          contactId: 'u1',
          type: 'v2.users.{id}.presence',
          second: 'customer',
          dotted: 'dotted',
          all: { kind: 'voice' },
          list: [{ purpose: 'agent' }, { purpose: 'customer' }],
          count: 3,
          isOn: false,
          'name.with.dots': 'v2.users.u1.presence',
        },
      }),
    );
  });

  test('A number that a double cannot represent keeps its digits, and is a number', () => {
    const event = parseExactJson('{"detail":{"n":12345678901234567890}}');
    const mapped = new FieldMapping({ n: { path: 'detail.n', type: 'number' } }).apply(event);
    expect(JSON.stringify(mapped)).toBe('{"kind":"mapped","value":{"n":12345678901234567890}}');
    expect(apply({ digits: 'detail.n.rawJSON' }, event)).toMatchObject({ kind: 'problem' });
  });

  test('An optional field is omitted if the event has no value or null there', () => {
    expect(
      apply({
        id: 'id',
        a: { path: 'detail.eventBody.gone.deeper', optional: true },
        b: { path: 'detail.eventBody.none', optional: true },
        c: { path: 'detail.eventBody.none', type: 'string', optional: true },
      }),
    ).toEqual({ kind: 'mapped', value: { id: 'e1' } });
  });

  test('A required field without a type can be null', () => {
    expect(apply({ none: 'detail.eventBody.none' })).toEqual({ kind: 'mapped', value: { none: null } });
  });

  test.each<[string | FieldMappingOptions[string], string]>([
    ['detail.eventBody.gone', 'detail.eventBody.gone is missing'],
    ['detail.eventBody.participants.2', 'detail.eventBody.participants.2 is missing'],
    ['detail.eventBody.participants.length', 'detail.eventBody.participants.length is missing'],
    ['detail.eventBody.participants.01', 'detail.eventBody.participants.01 is missing'],
    ['detail.eventBody.id.0', 'detail.eventBody.id.0 is missing'],
    ['detail.eventBody.none.id', 'detail.eventBody.none.id is missing'],
    ['detail.constructor.name', 'detail.constructor.name is missing'],
    ['detail.__proto__', 'detail.__proto__ is missing'],
    [{ path: 'detail.eventBody.none', type: 'string' }, 'detail.eventBody.none is null'],
    [
      { path: 'detail.eventBody.count', type: 'string' },
      'detail.eventBody.count is of type number, not string',
    ],
    [
      { path: 'detail.eventBody.participants', type: 'object', optional: true },
      'detail.eventBody.participants is of type array, not object',
    ],
    [
      { path: 'detail.eventBody.media', type: 'array' },
      'detail.eventBody.media is of type object, not array',
    ],
  ])('Without the required value of %j there is none, and the reason has no value', (field, reason) => {
    expect(apply({ id: 'id', wanted: field })).toEqual({
      kind: 'problem',
      reason: `field wanted: ${reason}`,
    });
  });
});
