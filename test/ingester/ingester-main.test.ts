import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBucket } from '../../bin/local/resources.ts';
import { PROOF_STALE_MS } from '../../functions/ingester/coverage.ts';
import { objectStore } from '../../lib/aws/aws-clients.ts';
import { eventually } from './eventually.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';

const MAIN = fileURLToPath(new URL('../../functions/ingester/main.ts', import.meta.url));
const TOPICS = 'v2.users.{id}.presence,v2.users.{id}.routingStatus,v2.analytics.queues.{id}.observations';

/** The ingester as a process. */
class IngesterProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(environment: Record<string, string>) {
    this.child = spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    this.child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Lines of the log (errors are on stderr), without metrics. */
  get lines(): { level: string; message: string }[] {
    return `${this.stdout}${this.stderr}`
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { level: string; message: string; _aws?: object })
      .filter(({ _aws }) => _aws === undefined);
  }

  get errors(): string[] {
    return this.lines.filter(({ level }) => level === 'ERROR').map(({ message }) => message);
  }
}

let aws: LocalAws;
let simulator: Simulator;
let cloud: Listening;
let running: IngesterProcess | undefined;

beforeAll(async () => {
  aws = await LocalAws.start();
});
afterAll(() => aws.close());
beforeEach(async () => {
  simulator = new Simulator({ users: 20, queues: 5 });
  cloud = await simulator.listen();
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.exited;
  running = undefined;
  await simulator.close();
});

const environment = (): Record<string, string> => ({
  AWS_ENDPOINT_URL: aws.url,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  GENESYS_API_URL: cloud.url,
  GENESYS_LOGIN_URL: cloud.url,
  GENESYS_CLIENT_ID: 'simulator-client',
  GENESYS_CLIENT_SECRET: 'simulator-secret',
  TOPICS,
  EVENTS_QUEUE_URL: aws.eventsQueueUrl,
  STATE_TABLE,
  HEALTH_PORT: '0',
});
function run(changes: Record<string, string> = {}): IngesterProcess {
  running = new IngesterProcess({ ...environment(), ...changes });
  return running;
}

describe('an invalid environment', () => {
  test('The process ends with code 78 and every problem of the environment', async () => {
    running = new IngesterProcess({ HEALTH_PORT: 'x', TOPICS: 'presence' });
    expect(await running.exited).toBe(78);
    expect(running.stderr).toMatch(/^The configuration has 6 problem\(s\):\n( {2}- .*\n){6}$/);
    expect(running.stderr).toContain('HEALTH_PORT is not a number');
    expect(running.stdout).toBe('');
  });
});

describe('topics in an S3 object', () => {
  beforeAll(() => createBucket(aws.emulator, 'assets'));

  test('The process subscribes to exactly the topics in the object', async () => {
    const [subscribed, other] = simulator.userIds.map((id) => `v2.users.${id}.presence`);
    const store = objectStore('assets', aws.dynamodb, aws.url);
    await store?.put('topics.txt', Buffer.from(`${subscribed},v2.routing.queues.{id}.users`), 'text/plain');
    const child = run({ TOPICS: '', TOPICS_OBJECT: 's3://assets/topics.txt' });
    const topics = [subscribed, ...simulator.queueIds.map((id) => `v2.routing.queues.${id}.users`)];
    await eventually(() => topics.map((topic) => simulator.coverageOf(topic ?? ''))).toEqual(
      topics.map(() => 1),
    );
    expect(simulator.coverageOf(other ?? '')).toBe(0);
    child.child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('The process ends with code 1 and advice when the object does not exist', async () => {
    const child = run({ TOPICS: '', TOPICS_OBJECT: 's3://assets/other.txt' });
    expect(await child.exited).toBe(1);
    expect(child.stderr).toContain(
      'S3 returned status 404 for bucket assets: check that it exists and that s3:GetObject is allowed',
    );
  });
});

describe('permanent failures', () => {
  test.each([
    [
      'a wrong secret',
      { GENESYS_CLIENT_SECRET: 'wrong-secret' },
      /refused the client secret of the OAuth client simulator-client \(401\)\W+check GENESYS_CLIENT_SECRET/i,
    ],
    [
      'an unknown client',
      { GENESYS_CLIENT_ID: 'unknown' },
      /does not know the OAuth client unknown \(400\)\W+check GENESYS_CLIENT_ID/i,
    ],
    [
      'an unknown host',
      { GENESYS_LOGIN_URL: 'http://login.nowhere.invalid' },
      /there is no host login\.nowhere\.invalid\W+check GENESYS_DOMAIN/i,
    ],
    [
      'a wrong secret with topics that need no listing',
      {
        GENESYS_CLIENT_SECRET: 'wrong-secret',
        TOPICS: 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.presence',
      },
      /refused the client secret of the OAuth client simulator-client \(401\)\W+check GENESYS_CLIENT_SECRET/i,
    ],
  ])('The process ends with code 1 and an explanation because of %s', async (_what, changes, message) => {
    const { exited } = run(changes);
    expect(await exited).toBe(1);
    expect(running?.errors).toEqual([expect.stringMatching(message)]);
    expect(`${running?.stdout}${running?.stderr}`).not.toContain('wrong-secret');
  });

  test('The process ends with code 1 and advice when its health port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await run({ HEALTH_PORT: String(port) }).exited).toBe(1);
    expect(running?.errors).toEqual([
      `The health endpoint's address 127.0.0.1:${port} is in use; set HEALTH_PORT (or --health-port) to a free port, or to 0`,
    ]);
    await new Promise((resolve) => other.close(resolve));
  });

  test('The process ends with code 1 and advice when all topics are rejected', async () => {
    await simulator.close();
    simulator = new Simulator({ deniedTopics: ['v2.users.{id}.presence'] });
    cloud = await simulator.listen();
    expect(await run({ TOPICS: 'v2.users.{id}.presence' }).exited).toBe(1);
    expect(running?.errors).toEqual([
      expect.stringMatching(/rejected every topic, for example .* Check TOPICS/),
    ]);
  });
});

describe('stopping the process', () => {
  test('A stop during 1,000 events per second ends with code 0 in time and loses nothing', async () => {
    const child = run();
    await eventually(() => simulator.liveConnections).toBe(1);
    const runner = new GeneratorRunner({
      source: new Generator(simulator, { seed: 1, topics: TOPICS.split(',') }),
      target: simulator,
      ratePerSecond: 1_000,
    }).start();
    await eventually(() => runner.emitted).toBeGreaterThan(1_500);
    const askedAtMs = Date.now();
    child.child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(Date.now() - askedAtMs).toBeLessThan(25_000);
    runner.stop();
    await eventually(() => simulator.connections).toBe(0);
    expect(child.errors).toEqual([]);
    expect(child.lines.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['started', 'stopping', 'stopped']),
    );

    aws.settle(simulator.ledger);
    const { sent, published, lost, unproven, unexpected } = simulator.ledger.report();
    expect({ lost, unproven, unexpected }).toEqual({ lost: 0, unproven: 0, unexpected: 0 });
    expect(published).toBe(sent);
    expect(aws.events).toHaveLength(sent);
    expect(sent).toBeGreaterThan(1_000);
  });

  test('A stop while the start waits for a response ends with code 0', async () => {
    const silent: Server = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const asked = once(silent, 'request');
    const child = run({ GENESYS_LOGIN_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
    await asked;
    child.child.kill('SIGINT');
    expect(await child.exited).toBe(0);
    expect(child.lines.map(({ message }) => message)).toEqual(['stopping', 'stopped']);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('killing the process', () => {
  const SUBSCRIPTION = 'killed';
  const records = async (prefix: string) =>
    (await aws.records(prefix)).filter(({ pk }) => pk?.S === `subscription#${SUBSCRIPTION}`);

  /** As if this time had passed since the proofs were stored. */
  async function age(ms: number): Promise<void> {
    for (const proof of await records('proof#')) {
      const storedAtMs = { N: String(Number(proof.storedAtMs?.N) - ms) };
      await aws.dynamodb.send(new PutItemCommand({ TableName: STATE_TABLE, Item: { ...proof, storedAtMs } }));
    }
  }

  test('The gap after SIGKILL is recorded by the next process, from the last proof to its connection', async () => {
    const killed = run({ SUBSCRIPTION });
    await eventually(() => records('proof#')).toHaveLength(1);
    const [proof] = await records('proof#');
    killed.child.kill('SIGKILL');
    await killed.exited;
    const killedAtMs = Date.now();
    expect(proof?.isFinal?.BOOL).toBe(false);
    await age(PROOF_STALE_MS);
    const next = run({ SUBSCRIPTION });
    await eventually(() => records('gap#')).toHaveLength(1);
    const [gap] = await records('gap#');
    expect(gap?.reason?.S).toBe('no task was connected');
    expect(gap?.fromMs).toEqual(proof?.coveredUntilMs);
    expect(Number(gap?.fromMs?.N)).toBeLessThanOrEqual(killedAtMs);
    expect(Number(gap?.toMs?.N)).toBeGreaterThanOrEqual(killedAtMs);
    // The proof of the killed process is deleted after the next one has stored its own.
    await eventually(async () => (await records('proof#')).map(({ task }) => task?.S)).toEqual([
      gap?.task?.S,
    ]);
    next.child.kill('SIGTERM');
    expect(await next.exited).toBe(0);
  });
});

describe('credentials in Secrets Manager', () => {
  test('Credentials are read from the secret', async () => {
    const filled = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };
    aws.emulator.secretsManager.set('filled', JSON.stringify(filled));
    const child = run({ GENESYS_SECRET_ID: 'filled', GENESYS_CLIENT_ID: '', GENESYS_CLIENT_SECRET: '' });
    await eventually(() => simulator.liveConnections).toBe(1);
    child.child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('The process runs with the secrets that are filled and logs which ones it does not use', async () => {
    const filled = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };
    aws.emulator.secretsManager.set('filled', JSON.stringify(filled));
    const child = run({ GENESYS_SECRET_ID: 'nowhere,filled' });
    await eventually(() => simulator.liveConnections).toBe(1);
    const warning = child.lines.find(({ level }) => level === 'WARN');
    expect(warning).toMatchObject({
      message: 'an OAuth client is not used until its secret is filled',
      reason: expect.stringContaining('The secret nowhere is empty'),
    });
    child.child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('The process ends with code 1 and an explanation when two secrets contain the same client', async () => {
    const filled = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };
    for (const name of ['one', 'two']) aws.emulator.secretsManager.set(name, JSON.stringify(filled));
    const child = run({ GENESYS_SECRET_ID: 'one,two' });
    expect(await child.exited).toBe(1);
    expect(child.errors).toEqual([
      expect.stringMatching(/contain the OAuth client simulator-client: store another OAuth client/),
    ]);
  });

  test.each([
    ['does not exist', 'nowhere', undefined],
    ['has no fields', 'empty', '{}'],
    ['is not JSON', 'text', 'simulator-secret'],
  ])(
    'The process waits and logs an error, and does not fail, while the secret %s',
    async (_what, Name, SecretString) => {
      if (SecretString !== undefined) aws.emulator.secretsManager.set(Name, SecretString);
      const child = run({ GENESYS_SECRET_ID: Name });
      await eventually(() => child.errors).toEqual([
        `The secret ${Name} is empty or invalid. Set it to {"clientId":"…","clientSecret":"…"}.`,
      ]);
      child.child.kill('SIGTERM');
      expect(await child.exited).toBe(0);
    },
  );
});
