import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { chooseGenesys } from '../../bin/deploy-local/genesys.ts';
import { readTask, taskEnvironment } from '../../bin/deploy-local/task.ts';
import { readConfig } from '../../functions/ingester/ingester-config.ts';

const TASK = {
  GENESYS_DOMAIN: 'mypurecloud.com',
  GENESYS_SECRET_ID: { Ref: 'Secret' },
  TOPICS: 'v2.users.{id}.presence',
  EVENTS_QUEUE_URL: { Ref: 'Events' },
  STATE_TABLE: { Ref: 'State' },
  HEALTH_PORT: '3001',
};
const OUTPUTS = {
  SwitchboardEventBusName: 'bus',
  SwitchboardEventsQueueUrl: 'http://127.0.0.1:4566/000000000000/events',
  SwitchboardStateTableName: 'state',
  SwitchboardOversizeBucketName: 'oversize',
  SwitchboardSecretName: 'switchboard/genesys',
};
const ENDPOINT = 'http://127.0.0.1:4566';

function environmentWith(given: Record<string, string>, environment: Record<string, unknown> = TASK) {
  return taskEnvironment({ environment }, OUTPUTS, {
    endpoint: ENDPOINT,
    genesys: chooseGenesys(given),
    given,
  });
}

describe('Environment of the ingester', () => {
  test('The environment contains the variables of the task, the deployed resources and the default simulator', () => {
    const environment = environmentWith({ AWS_ACCESS_KEY_ID: 'real', HOME: '/home/me' });
    expect(environment).toMatchObject({
      GENESYS_DOMAIN: 'mypurecloud.com',
      GENESYS_API_URL: 'http://127.0.0.1:4580',
      GENESYS_LOGIN_URL: 'http://127.0.0.1:4580',
      GENESYS_SECRET_ID: 'switchboard/genesys',
      EVENTS_QUEUE_URL: 'http://127.0.0.1:4566/000000000000/events',
      STATE_TABLE: 'state',
      AWS_ENDPOINT_URL: ENDPOINT,
      AWS_ACCESS_KEY_ID: 'test',
    });
    expect(environment).not.toHaveProperty('HOME');
    expect(readConfig(environment).protocols[0]?.configuration).toMatchObject({
      TOPICS: ['v2.users.{id}.presence'],
    });
  });

  test('The environment of the command overrides some variables of the task', () => {
    const given = { TOPICS: 'v2.routing.queues.{id}.conversations', HEALTH_PORT: '0', LOG_LEVEL: '' };
    expect(environmentWith(given)).toMatchObject({ TOPICS: given.TOPICS, HEALTH_PORT: '0' });
    expect(environmentWith(given)).not.toHaveProperty('LOG_LEVEL');
  });

  test('The ingester redacts as the construct says, with the deployed key, or as the environment of the command says', () => {
    const REDACTION = '{"hash":["**.ani"]}';
    const task = { ...TASK, REDACTION, REDACTION_SECRET_ID: { Ref: 'Key' } };
    const outputs = { ...OUTPUTS, SwitchboardRedactionKeyArn: 'arn:key' };
    const given = { REDACTION: 'structural' };
    const redactionWith = (variables: Record<string, string>) =>
      readConfig(
        taskEnvironment({ environment: task }, outputs, {
          endpoint: ENDPOINT,
          genesys: chooseGenesys({}),
          given: variables,
        }),
      ).redaction;
    const rules = [{ path: '**.ani', action: 'hash' }];
    expect(redactionWith({})).toEqual({ preset: undefined, rules, key: { secretId: 'arn:key' } });
    expect(redactionWith(given)).toEqual({ preset: 'structural', rules: [], key: undefined });
    const key = 'a key of at least 32 characters, for tests';
    const ownKey = readConfig(environmentWith({ REDACTION, REDACTION_KEY: key })).redaction?.key;
    expect(ownKey).toEqual({ text: key });
  });

  test('The gaps queue, which the stack for an emulator lacks, is left out', () => {
    const environment = { ...TASK, GAPS_QUEUE_URL: { Ref: 'Gaps' } };
    expect(environmentWith({}, environment)).not.toHaveProperty('GAPS_QUEUE_URL');
  });

  test('An unresolved reference in the environment causes an error that names the variable', () => {
    const environment = { ...TASK, ARCHIVE: { Ref: 'Archive' } };
    expect(() => environmentWith({}, environment)).toThrow(/ ARCHIVE refers to a resource/);
  });
});

describe('Choice of Genesys Cloud', () => {
  const client = { GENESYS_CLIENT_ID: 'id', GENESYS_CLIENT_SECRET: 'secret' };
  const urls = { GENESYS_API_URL: 'http://127.0.0.1:1', GENESYS_LOGIN_URL: 'http://127.0.0.1:2' };

  test('An OAuth client without URLs selects the real Genesys Cloud', () => {
    expect(chooseGenesys(client)).toEqual({
      credentials: { clientId: 'id', clientSecret: 'secret' },
      urls: undefined,
    });
    expect(environmentWith(client)).not.toHaveProperty('GENESYS_API_URL');
  });

  test('The URLs in the environment select another Genesys Cloud', () => {
    expect(chooseGenesys(urls)).toEqual({
      credentials: { clientId: 'simulator-client', clientSecret: 'simulator-secret' },
      urls: { apiUrl: 'http://127.0.0.1:1', loginUrl: 'http://127.0.0.1:2' },
    });
  });

  test.each([
    [{ GENESYS_CLIENT_ID: 'id' }, 'GENESYS_CLIENT_SECRET is not set'],
    [{ ...urls, GENESYS_CLIENT_SECRET: 'secret' }, 'GENESYS_CLIENT_ID is not set'],
    [{ GENESYS_API_URL: 'http://127.0.0.1:1' }, 'GENESYS_LOGIN_URL is not set'],
    [{ ...client, GENESYS_LOGIN_URL: 'http://127.0.0.1:1' }, 'GENESYS_API_URL is not set'],
  ])('The environment %j is rejected because %s', (environment, message) => {
    expect(() => chooseGenesys(environment)).toThrow(
      expect.objectContaining({ code: 'genesys_incomplete', message: expect.stringContaining(message) }),
    );
  });
});

describe('Cloud assembly', () => {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-assembly-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function write(resources: object): void {
    writeFileSync(
      join(directory, 'Switchboard.template.json'),
      JSON.stringify({
        Resources: { Wait: { Type: 'AWS::CloudFormation::WaitConditionHandle' }, ...resources },
      }),
    );
    const dockerImages = { hash: { source: { directory: 'asset.hash' } } };
    writeFileSync(join(directory, 'Switchboard.assets.json'), JSON.stringify({ dockerImages }));
  }

  test('The cloud assembly provides the bundle and the environment of the task', async () => {
    const Environment = Object.entries(TASK).map(([Name, Value]) => ({ Name, Value }));
    write({
      Task: {
        Type: 'AWS::ECS::TaskDefinition',
        Properties: { ContainerDefinitions: [{ Image: {}, Environment }] },
      },
    });
    expect(await readTask(directory)).toEqual({
      modulePath: join(directory, 'asset.hash/main.mjs'),
      environment: TASK,
    });
  });

  test('A cloud assembly without a task is rejected', async () => {
    write({});
    await expect(readTask(directory)).rejects.toMatchObject({
      code: 'assembly_unreadable',
      message: expect.stringContaining('does not contain a stack Switchboard with one ingester'),
    });
  });
});
