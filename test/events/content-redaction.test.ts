import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { type ContentRedactionOptions, contentRules } from '../../lib/events/content-rules.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import { eventItem } from '../../lib/events/item.ts';
import type { Frame } from '../../lib/events/schema.ts';
import { jsonBody } from './json.ts';

const KEY = 'a key of at least thirty-two characters';
const TOPIC = 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.conversations';

const redactionOf = (options: ContentRedactionOptions) => new ContentRedaction(contentRules(options), KEY);
/** The body of an event after redaction. */
const bodyOf = (options: ContentRedactionOptions, eventBody: Record<string, unknown>): unknown =>
  redactionOf(options).frame({ topicName: TOPIC, eventBody }).eventBody;
/** What is left of a rejected frame. */
const rejectedOf = (options: ContentRedactionOptions, frame: unknown): unknown => {
  const left = redactionOf(options).rejected(Buffer.from(JSON.stringify(frame)));
  return left && JSON.parse(left.toString());
};
const hmac = (json: string) => createHmac('sha256', KEY).update(json).digest('base64url');

describe('paths', () => {
  const body = {
    ani: '1',
    participants: [
      { id: 'p1', ani: '2', attributes: { a: 'x', 'b.c': 'y' } },
      { id: 'p2', calls: [{ ani: '3' }] },
    ],
  };

  test.each<[string, unknown]>([
    ['ani', { participants: body.participants }],
    ['participants', { ani: '1' }],
    ['participants.*', { ani: '1', participants: [] }],
    [
      'participants.*.ani',
      { ...body, participants: [{ id: 'p1', attributes: { a: 'x', 'b.c': 'y' } }, body.participants[1]] },
    ],
    ['participants.1', { ani: '1', participants: [body.participants[0]] }],
    ['participants.ani', body],
    [
      '*.*.attributes.a',
      { ...body, participants: [{ id: 'p1', ani: '2', attributes: { 'b.c': 'y' } }, body.participants[1]] },
    ],
    [
      'participants.*.attributes.b\\.c',
      { ...body, participants: [{ id: 'p1', ani: '2', attributes: { a: 'x' } }, body.participants[1]] },
    ],
    ['participants.*.attributes.b.c', body],
    [
      '**.ani',
      {
        participants: [
          { id: 'p1', attributes: { a: 'x', 'b.c': 'y' } },
          { id: 'p2', calls: [{}] },
        ],
      },
    ],
    [
      'participants.**.ani',
      {
        ani: '1',
        participants: [
          { id: 'p1', attributes: { a: 'x', 'b.c': 'y' } },
          { id: 'p2', calls: [{}] },
        ],
      },
    ],
    ['**.calls.**', { ani: '1', participants: [body.participants[0], { id: 'p2' }] }],
    ['**', {}],
    ['*', {}],
  ])('drop %s', (path, expected) => {
    expect(bodyOf({ drop: [path] }, body)).toEqual(expected);
  });

  test('Many rules with ** are applied together', () => {
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    const drop = names.flatMap((name, index) => [`**.${name}.**.${names[(index + 1) % 60]}`]);
    const nested = names.reduceRight<unknown>((inner, name) => ({ [name]: inner, kept: name }), 1);
    expect(bodyOf({ drop }, { nested })).toEqual({ nested: { n0: { kept: 'n1' }, kept: 'n0' } });
  });

  test('Events that combine many rules are redacted without unbounded memory use', () => {
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
    const redaction = redactionOf({ drop: names.map((name) => `**.${name}.**.x`) });
    for (let set = 0; set < 4_096; set++) {
      const chosen = names.filter((_, index) => set & (1 << index));
      const eventBody = {
        ...chosen.reduceRight<object>((inner, name) => ({ [name]: inner }), { x: 1, y: 2 }),
      };
      const { eventBody: left } = redaction.frame({ topicName: TOPIC, eventBody });
      expect(JSON.stringify(left)).toBe(JSON.stringify(eventBody).replace(set > 0 ? '"x":1,' : /$^/, ''));
    }
  });

  test('A member with the name __proto__ is a member like others', () => {
    const eventBody = JSON.parse('{"__proto__":{"ani":"1","b":2},"c":3}') as Record<string, unknown>;
    expect(JSON.stringify(bodyOf({ drop: ['**.ani'] }, eventBody))).toBe('{"__proto__":{"b":2},"c":3}');
  });

  test('If several rules apply, the one that leaves least is taken', () => {
    const value = { a: '12345678', b: '12345678', c: '12345678' };
    expect(bodyOf({ keep: ['*'], mask: ['*'], hash: ['a', 'b'], drop: ['a'] }, value)).toEqual({
      b: hmac('"12345678"'),
      c: '******78',
    });
  });
});

describe('hash', () => {
  test('A hash is the HMAC of the canonical JSON, so that equal values can be joined', () => {
    const hashed = bodyOf(
      { hash: ['*'] },
      { a: 'x', b: { d: 1, c: 2 }, e: { c: 2, d: 1 }, f: 1, g: '1', h: true },
    );
    expect(hashed).toEqual({
      a: hmac('"x"'),
      b: hmac('{"c":2,"d":1}'),
      e: hmac('{"c":2,"d":1}'),
      f: hmac('1'),
      g: hmac('"1"'),
      h: hmac('true'),
    });
  });

  test('Numbers above 2^53 have different hashes', () => {
    const eventBody = parseExactJson('{"a":9007199254740993,"b":9007199254740992}') as Record<
      string,
      unknown
    >;
    expect(bodyOf({ hash: ['*'] }, eventBody)).toEqual({
      a: hmac('9007199254740993'),
      b: hmac('9007199254740992'),
    });
  });

  test('null stays null', () => {
    expect(bodyOf({ hash: ['a'] }, { a: null })).toEqual({ a: null });
  });

  test('A rule that hashes needs a key', () => {
    expect(() => new ContentRedaction(contentRules({ hash: ['a'] }))).toThrow('there is no key');
    expect(() => new ContentRedaction(contentRules({ drop: ['a'] }))).not.toThrow();
  });
});

describe('mask', () => {
  test.each([
    ['+1 555 010-0123', '+* *** ***-**23'],
    ['tel:+15550100123', '***:+*********23'],
    ['jane@example.com', '****@*******.*om'],
    ['Jane Doe', '**** ***'],
    ['1234567', '*******'],
    ['12345678', '******78'],
    ['Zoë Müller', '*** ****er'],
    ['李小龍', '***'],
    ['\u{1F600}\u{1F600}', '**'],
    ['', ''],
  ])('%j becomes %j', (value, masked) => {
    expect(bodyOf({ mask: ['a'] }, { a: value })).toEqual({ a: masked });
  });

  test('Values other than strings are dropped', () => {
    expect(bodyOf({ mask: ['*'] }, { a: 15550100123, b: true, c: ['x'], d: { e: 'x' }, f: null })).toEqual(
      {},
    );
    expect(bodyOf({ mask: ['c.*'] }, { c: ['x', 1] })).toEqual({ c: ['*'] });
  });
});

describe('the frame of an event', () => {
  const frame: Frame = {
    topicName: TOPIC,
    version: '2',
    timestamp: '2026-11-20T09:30:45.013Z',
    eventBody: { id: 'c1', name: 'Jane' },
    metadata: { CorrelationId: 'c2', name: 'Jane' },
    name: 'Jane',
    more: { name: 'Jane', id: 'm1' },
  };

  test('A path applies to the body, the metadata and the rest of the frame', () => {
    expect(redactionOf({ drop: ['name'] }).frame(frame)).toEqual({
      ...frame,
      eventBody: { id: 'c1' },
      metadata: { CorrelationId: 'c2' },
      name: undefined,
    });
    expect(redactionOf({ drop: ['more.name'] }).frame(frame)).toEqual({
      ...frame,
      more: { id: 'm1' },
    });
  });

  test('Metadata that is not an object is dropped', () => {
    expect(redactionOf({ drop: ['name'] }).frame({ ...frame, metadata: null as never })).not.toHaveProperty(
      'metadata',
    );
  });

  test('Within values that the preset drops, only what a path keeps remains, even under names of the preset', () => {
    const eventBody = { extra: { participants: [{ x: 1 }], presence: { x: 1 }, names: ['Ann', 'Bo'] } };
    const left = (keep: string[]) => bodyOf({ preset: 'structural', keep }, eventBody);
    expect(left(['**.no'])).toEqual({});
    expect(left(['extra.names.1'])).toEqual({ extra: { names: ['Bo'] } });
  });

  test.each<[ContentRedactionOptions]>([[{ drop: ['**'] }], [{ hash: ['**'] }], [{ mask: ['**'] }]])(
    'Under %j a frame is still a frame',
    (options) => {
      const { topicName, version, timestamp } = frame;
      const redacted = redactionOf(options).frame(frame);
      expect(redacted).toMatchObject({ topicName, version, timestamp, eventBody: {} });
      expect(redacted).not.toHaveProperty('metadata');
      expect(JSON.stringify(redacted)).not.toContain('Jane');
    },
  );

  test('An event keeps its sequence and loses the text of its frame', () => {
    const event = { frame, text: JSON.stringify(frame), id: 'e1', sequence: 7, late: true };
    const redacted = redactionOf({ drop: ['**.name'] }).event(event);
    expect(redacted).toMatchObject({ id: 'e1', sequence: 7, late: true });
    expect(redacted).not.toHaveProperty('text');
  });

  test('Numbers keep their digits', () => {
    const text = `{"topicName":"t","eventBody":{"n":123456789012345678901,"name":"Jane"}}`;
    const event = redactionOf({ drop: ['name'] }).event({ frame: parseExactJson(text) as Frame, text });
    const identity = { id: 'e1', isWeak: false };
    const about = { identity, protocol: 'p', receivedAt: '2026-11-20T09:30:45.013Z' };
    expect(eventItem(event, about)?.json).toContain('"eventBody":{"n":123456789012345678901}');
  });

  test('The frame itself is not changed', () => {
    fc.assert(
      fc.property(jsonBody(), (eventBody) => {
        const before = JSON.stringify(eventBody);
        bodyOf({ preset: 'structural', keep: ['**.a'], mask: ['*.*'], drop: ['**.b'] }, eventBody);
        expect(JSON.stringify(eventBody)).toBe(before);
      }),
    );
  });

  test('Rules that apply to nothing change nothing', () => {
    fc.assert(
      fc.property(jsonBody(), (eventBody) => {
        expect(JSON.stringify(bodyOf({ drop: ['**.no such name'], mask: ['a.b.c.d.e.f'] }, eventBody))).toBe(
          JSON.stringify(eventBody),
        );
      }),
    );
  });
});

describe('rejected frames', () => {
  test('Every path applies at every level', () => {
    const frame = {
      data: { data: { ani: '1', b: 2 } },
      events: [{ data: { participants: [{ name: 'Jane' }] } }],
    };
    expect(rejectedOf({ drop: ['ani', 'participants.*.name'] }, frame)).toEqual({
      data: { data: { b: 2 } },
      events: [{ data: { participants: [{}] } }],
    });
  });

  test('No rule keeps what the preset drops', () => {
    expect(rejectedOf({ preset: 'structural', keep: ['**'] }, { id: 'i', name: 'Jane' })).toEqual({
      id: 'i',
    });
  });

  test('A string in place of a body is dropped, because it can be JSON', () => {
    const frame = {
      topicName: 't',
      eventBody: '{"ani":"1"}',
      events: ['{"ani":"1"}'],
      more: 'text',
      n: [{ data: 'x' }, { detail: '{"ani":"1"}' }],
    };
    expect(rejectedOf({ drop: ['**.ani'] }, frame)).toEqual({ topicName: 't', more: 'text', n: [{}, {}] });
  });

  test('A list of bodies that contains a string is dropped, and null is kept', () => {
    const frame = { events: [{ b: 1 }, '{"ani":"1"}'], data: [{ b: 1 }], n: null };
    expect(rejectedOf({ drop: ['**.ani'] }, frame)).toEqual({ data: [{ b: 1 }], n: null });
  });

  test('Numbers keep their digits', () => {
    const left = redactionOf({ drop: ['a'] }).rejected(Buffer.from('{"a":1,"n":[123456789012345678901]}'));
    expect(left?.toString()).toBe('{"n":[123456789012345678901]}');
  });

  test('The last of two members with one name counts, and the first does not leave', () => {
    const left = redactionOf({ drop: ['a'] }).rejected(Buffer.from('{"b":"Jane","b":{"c":1}}'));
    expect(left?.toString()).toBe('{"b":{"c":1}}');
  });

  test.each([
    ['text that is not JSON', 'Jane'],
    ['half a frame', '{"topicName":"t","eventBody":{"name":"Jane"'],
    ['a JSON string', '"Jane"'],
    ['a number', '15550100123'],
    ['a long number', '123456789012345678901'],
    ['null', 'null'],
    ['nothing', ''],
    ['a value that could be serialized, but not compared', `${'['.repeat(200)}"Jane"${']'.repeat(200)}`],
    ['a value that is nested too deeply', `${'['.repeat(5_000)}"Jane"${']'.repeat(5_000)}`],
  ])('%s is withheld', (_what, text) => {
    expect(redactionOf({ drop: ['name'] }).rejected(Buffer.from(text))).toBeUndefined();
  });

  test('Values of which nothing may be kept are withheld', () => {
    expect(rejectedOf({ preset: 'structural' }, ['Jane', 'Doe'])).toBeUndefined();
    expect(rejectedOf({ drop: ['*'] }, { a: 1 })).toEqual({});
    expect(rejectedOf({ drop: ['**'] }, { a: 1 })).toEqual({});
  });
});
