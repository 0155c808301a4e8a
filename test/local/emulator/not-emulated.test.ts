import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { supportedParameters } from 'switchboard-local/emulator/supported-parameters.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

let emulator: Emulator;

beforeEach(async () => {
  emulator = new Emulator();
  emulator.sqs.createQueue('events');
  await call('DynamoDB_20120810.CreateTable', {
    TableName: 'state',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  });
});

afterEach(() => emulator.close());

async function call(target: string, input: object): Promise<{ status: number; body: string }> {
  return emulator.handle({ target, body: JSON.stringify(input) });
}

const QueueUrl = 'https://sqs.us-east-1.amazonaws.com/000000000000/events';
const TableName = 'state';
const Key = { pk: { S: 'a' } };
const VALUES = { ':v': { N: '1' } };
const condition = (ConditionExpression: string) => ({
  TableName,
  Item: Key,
  ConditionExpression,
  ExpressionAttributeValues: VALUES,
});
const update = (UpdateExpression: string) => ({
  TableName,
  Key,
  UpdateExpression,
  ExpressionAttributeValues: VALUES,
});

test.each<[name: string, target: string, input: object]>([
  ['operation "AmazonSQS.TagQueue"', 'AmazonSQS.TagQueue', { QueueUrl }],
  ['operation "DynamoDB_20120810.TransactWriteItems"', 'DynamoDB_20120810.TransactWriteItems', {}],
  ['operation "AWSEvents.TestEventPattern"', 'AWSEvents.TestEventPattern', {}],
  ['operation "secretsmanager.DescribeSecret"', 'secretsmanager.DescribeSecret', {}],
  ['operation "AmazonEC2.RunInstances"', 'AmazonEC2.RunInstances', {}],
  [
    'parameter "MessageSystemAttributes" in SendMessage',
    'AmazonSQS.SendMessage',
    { QueueUrl, MessageBody: 'x', MessageSystemAttributes: {} },
  ],
  [
    'parameter "MessageSystemAttributes" in SendMessageBatchRequestEntry',
    'AmazonSQS.SendMessageBatch',
    { QueueUrl, Entries: [{ Id: 'a', MessageBody: 'x', MessageSystemAttributes: {} }] },
  ],
  ['parameter "tags" in CreateQueue', 'AmazonSQS.CreateQueue', { QueueName: 'other', tags: { a: 'b' } }],
  [
    'parameter "GlobalSecondaryIndexes" in CreateTable',
    'DynamoDB_20120810.CreateTable',
    { TableName: 'indexed', GlobalSecondaryIndexes: [] },
  ],
  ['parameter "Expected" in PutItem', 'DynamoDB_20120810.PutItem', { TableName, Item: Key, Expected: {} }],
  [
    'parameter "FilterExpression" in Scan',
    'DynamoDB_20120810.Scan',
    { TableName, FilterExpression: 'a = a' },
  ],
  [
    'parameter "AttributesToGet" in RequestItems of BatchGetItem',
    'DynamoDB_20120810.BatchGetItem',
    { RequestItems: { state: { Keys: [Key], AttributesToGet: ['pk'] } } },
  ],
  [
    'ReturnConsumedCapacity "INDEXES"',
    'DynamoDB_20120810.GetItem',
    { TableName, Key, ReturnConsumedCapacity: 'INDEXES' },
  ],
  ['function "size" in ConditionExpression', 'DynamoDB_20120810.PutItem', condition('size(a) = :v')],
  ['function "contains" in ConditionExpression', 'DynamoDB_20120810.PutItem', condition('contains(a, :v)')],
  ['operator "IN" in ConditionExpression', 'DynamoDB_20120810.PutItem', condition('a IN (:v)')],
  ['document path "a.…" in ConditionExpression', 'DynamoDB_20120810.PutItem', condition('a.b = :v')],
  ['document path "a[…" in UpdateExpression', 'DynamoDB_20120810.UpdateItem', update('SET a[0] = :v')],
  [
    'function "if_not_exists" in UpdateExpression',
    'DynamoDB_20120810.UpdateItem',
    update('SET a = if_not_exists(a, :v)'),
  ],
  ['operator "+" in UpdateExpression', 'DynamoDB_20120810.UpdateItem', update('SET a = a + :v')],
  [
    'statement "SELECT" in PartiQL',
    'DynamoDB_20120810.ExecuteStatement',
    { Statement: 'SELECT * FROM state' },
  ],
  [
    'literal "[…" in PartiQL',
    'DynamoDB_20120810.ExecuteStatement',
    { Statement: `INSERT INTO state VALUE {'pk': 'a', 'list': [1]}` },
  ],
  [
    'parameter "ScheduleExpression" in PutRule',
    'AWSEvents.PutRule',
    { Name: 'r', ScheduleExpression: 'rate(1 minute)' },
  ],
  [
    'parameter "TraceHeader" in an entry of PutEvents',
    'AWSEvents.PutEvents',
    { Entries: [{ Source: 's', DetailType: 'd', Detail: '{}', TraceHeader: 't' }] },
  ],
  ['parameter "KmsKeyId" in CreateSecret', 'secretsmanager.CreateSecret', { Name: 'n', KmsKeyId: 'k' }],
])('The emulator refuses a request with an error that names the %s', async (name, target, input) => {
  const answer = await call(target, input);
  expect(answer.status).toBe(400);
  const { __type: type, message } = JSON.parse(answer.body) as { __type: string; message: string };
  expect(type).toMatch(/NotEmulatedException|UnknownOperationException/);
  expect(message).toContain(`The emulator does not support the ${name}`);
  expect(message).toContain('See lib/local/README.md.');
});

test('A statement that is not INSERT fails alone in its batch, with the same message', async () => {
  const Statements = [
    { Statement: `DELETE FROM state WHERE pk = 'a'` },
    { Statement: `INSERT INTO state VALUE {'pk': 'a'}` },
  ];
  const answer = await call('DynamoDB_20120810.BatchExecuteStatement', { Statements });
  expect(JSON.parse(answer.body)).toMatchObject({
    Responses: [
      { Error: { Code: 'ValidationError', Message: expect.stringContaining('statement "DELETE"') } },
      { TableName },
    ],
  });
});

test('Parameters that are null count as absent', async () => {
  const answer = await call('AmazonSQS.SendMessage', {
    QueueUrl,
    MessageBody: 'x',
    MessageSystemAttributes: null,
  });
  expect(answer.status).toBe(200);
});

test('Every operation except ListTables supports at least one parameter', () => {
  const { targets } = emulator;
  expect(targets.filter((target) => supportedParameters(target).length === 0)).toEqual([
    'DynamoDB_20120810.ListTables',
  ]);
});
