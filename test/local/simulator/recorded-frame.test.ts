import fc from 'fast-check';
import { SERIAL_FIELD, serialOf } from 'switchboard-local/simulator/frame.ts';
import { memberSpan } from 'switchboard-local/simulator/json-span.ts';
import { checkFrameText, textWithSerial } from 'switchboard-local/simulator/recorded-frame.ts';
import { describe, expect, test } from 'vitest';

/** JSON with random white space between its parts. */
const spacedJson = fc
  .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3))
  .map(([value, spaces]) => JSON.stringify(value, undefined, spaces));

describe('the serial number of a recorded frame', () => {
  test('A recorded frame keeps all characters of its text apart from the serial number', () => {
    const text =
      '{ "topicName":"t", "eventBody":{"n":90071992547409931234567890,"d":1.0e2},"metadata" : { } }';
    expect(textWithSerial(text, 5)).toBe(
      `{ "topicName":"t", "eventBody":{"n":90071992547409931234567890,"d":1.0e2},"metadata" : { "${SERIAL_FIELD}":5} }`,
    );
  });

  test('A recorded frame with or without metadata gets its serial number, regardless of its content', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.option(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.nat(),
        (body, metadata, serial) => {
          const frame = { topicName: 't', eventBody: body, ...(metadata === null ? {} : { metadata }) };
          const sent = JSON.parse(textWithSerial(JSON.stringify(frame), serial)) as typeof frame;
          expect(serialOf(sent)).toBe(serial);
          const rest = { ...(sent.metadata as Record<string, unknown>) };
          delete rest[SERIAL_FIELD];
          const expected = { ...metadata };
          delete expected[SERIAL_FIELD];
          expect(JSON.stringify({ ...sent, metadata: rest })).toBe(
            JSON.stringify({ ...frame, metadata: expected }),
          );
        },
      ),
    );
  });

  test('The serial number of an earlier run is replaced', () => {
    const text = `{"topicName":"t","eventBody":{},"metadata":{"${SERIAL_FIELD}":1}}`;
    expect(serialOf(JSON.parse(textWithSerial(text, 2)))).toBe(2);
  });

  test.each([
    ['not JSON', 'it is not JSON'],
    ['{"topicName":"t"}', 'it has no eventBody'],
    ['{"eventBody":{},"metadata":null}', 'its metadata is not an object'],
    ['{"eventBody":{},"metadata":[]}', 'its metadata is not an object'],
  ])('The text %s is rejected as a frame', (text, message) => {
    expect(() => checkFrameText(text)).toThrow(message);
  });
});

describe('the span of a member', () => {
  test('The span of a member has the text of its value, for every JSON object', () => {
    fc.assert(
      fc.property(spacedJson, (text) => {
        for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
          const span = memberSpan(text, [name])!;
          expect(JSON.stringify(JSON.parse(text.slice(span.start, span.end)))).toBe(JSON.stringify(value));
        }
      }),
    );
  });

  test('Nested members are found, and the last one of the same name counts', () => {
    const text = '{"a":{"b":1},"a":{"b":[1,{"c":"}"}],"c":"\\"}"}}';
    const textAt = (...path: string[]) => {
      const span = memberSpan(text, path);
      return span && text.slice(span.start, span.end);
    };
    expect(textAt('a', 'b')).toBe('[1,{"c":"}"}]');
    expect(textAt('a', 'c')).toBe('"\\"}"');
    expect(textAt('a', 'd')).toBeUndefined();
    expect(textAt('a', 'b', 'c')).toBeUndefined();
    expect(textAt()).toBe(text);
  });
});
