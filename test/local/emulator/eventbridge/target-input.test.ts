import type { JsonObject } from 'switchboard-local/emulator/service.ts';
import { describe, expect, test } from 'vitest';
import { ACCOUNT, entry, queueArn, REGION, startEventBridge } from './bus.ts';

const DETAIL = {
  name: 'Ada',
  quoted: 'say "hi"',
  count: 2,
  on: true,
  nothing: null,
  'dash-ed': 'd',
  list: [{ id: 'x' }, { id: 'y' }],
  deep: { a: 'b' },
};

/** What a target with this input setting receives for an event with {@link DETAIL}. */
async function received(input: JsonObject) {
  const bus = startEventBridge();
  await bus.call('PutRule', { Name: 'rule', EventPattern: '{"source":["genesys.cloud"]}' });
  await bus.call('PutTargets', { Rule: 'rule', Targets: [{ Id: 't', Arn: queueArn('queue'), ...input }] });
  await bus.call('PutEvents', { Entries: [entry({ Detail: JSON.stringify(DETAIL), Time: 1_700_000_000 })] });
  return { body: bus.received()[0], failures: bus.failures };
}

describe('InputPath', () => {
  test.each([
    ['$.detail', DETAIL],
    ['$.detail.deep', DETAIL.deep],
    ['$.detail.name', 'Ada'],
    ['$.detail-type', 'v2.users.{id}.presence'],
    ['$.detail.dash-ed', 'd'],
    ['$.detail.list[1].id', 'y'],
    ['$.detail.list[*].id', ['x', 'y']],
    ['$.detail.deep.*', ['b']],
    ['$.detail.list[2]', null],
    ['$.detail.missing', null],
    ['$.detail.name.more', null],
  ])('%s gives JSON', async (path, expected) => {
    const { body } = await received({ InputPath: path });
    expect(JSON.parse(body ?? '')).toEqual(expected);
  });

  test('$ gives the whole event', async () => {
    const { body } = await received({ InputPath: '$' });
    expect(JSON.parse(body ?? '')).toMatchObject({ version: '0', detail: DETAIL });
  });
});

test('Input is the body as it was given', async () => {
  expect(await received({ Input: '{ "constant": 1 }' })).toMatchObject({ body: '{ "constant": 1 }' });
});

describe('InputTransformer', () => {
  const InputPathsMap = {
    name: '$.detail.name',
    quoted: '$.detail.quoted',
    count: '$.detail.count',
    on: '$.detail.on',
    nothing: '$.detail.nothing',
    list: '$.detail.list',
    deep: '$.detail.deep',
    missing: '$.detail.missing',
    'detail-type': '$.detail-type',
  };

  test.each([
    ['a string gets its quotes', '{"a": <name>}', '{"a": "Ada"}'],
    ['quotes around a string stay as they are', '{"a": "<name>"}', '{"a": "Ada"}'],
    ['a string in text', '{"a": "<name> is <count>"}', '{"a": "Ada is 2"}'],
    ['a quoted string is escaped outside quotes', '{"a": <quoted>}', '{"a": "say \\"hi\\""}'],
    ['numbers, booleans and null', '[<count>, <on>, <nothing>]', '[2, true, null]'],
    ['objects and arrays', '{"a": <deep>, "b": <list>}', '{"a": {"a":"b"}, "b": [{"id":"x"},{"id":"y"}]}'],
    ['an object in text loses its quotes', '{"a": "it is <deep>"}', '{"a": "it is {a:b}"}'],
    ['a path that finds nothing', '{"a": <missing>, "b": "<missing>"}', '{"a": "", "b": ""}'],
    ['text keeps its quotes', '"<name> has <count>"', '"Ada has 2"'],
    ['several lines of text', '"<name>"\n"<detail-type>"', '"Ada"\n"v2.users.{id}.presence"'],
    ['an escaped quote does not end a string', '{"a": "\\"<name>\\""}', '{"a": "\\"Ada\\""}'],
    ['brackets that are no variable', '{"a": "1 < 2 > 0", "b": <name>}', '{"a": "1 < 2 > 0", "b": "Ada"}'],
    ['a variable alone', '<deep>', '{"a":"b"}'],
  ])('%s', async (_, InputTemplate, expected) => {
    expect(await received({ InputTransformer: { InputPathsMap, InputTemplate } })).toMatchObject({
      body: expected,
    });
  });

  test('has the predefined variables', async () => {
    const names = ['rule-arn', 'rule-name', 'event', 'event.json', 'event.ingestion-time'];
    const InputTemplate = `{${names.map((name) => `"${name}": <aws.events.${name}>`).join(',')}}`;
    const { body } = await received({ InputTransformer: { InputTemplate } });
    const output = JSON.parse(body ?? '');
    expect(output).toMatchObject({
      'rule-arn': `arn:aws:events:${REGION}:${ACCOUNT}:rule/rule`,
      'rule-name': 'rule',
      'event.json': { source: 'genesys.cloud', time: '2023-11-14T22:13:20Z', detail: DETAIL },
    });
    const { detail: _, ...envelope } = output['event.json'];
    expect(output.event).toEqual(envelope);
    expect(Math.abs(Date.parse(output['event.ingestion-time']) - Date.now())).toBeLessThan(60_000);
  });

  test('whose values break its JSON is a failed delivery', async () => {
    const { body, failures } = await received({
      InputTransformer: { InputPathsMap, InputTemplate: '{"a": "<quoted>"}' },
    });
    expect(body).toBeUndefined();
    expect(failures).toMatchObject([{ error: expect.any(SyntaxError) }]);
  });
});
