import { join } from 'node:path';
import { CreateQueueCommand, ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, test } from 'vitest';
import { localCommand } from '../../bin/local/options.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { type Child, lastLine, switchboard } from './child.ts';

const CAPTURE = join(import.meta.dirname, 'capture.jsonl');

const running = new Set<Child>();
/** Run the command line; what still runs at the end of the tests is ended. */
function run(...[commandLine, options]: Parameters<typeof switchboard>): Child {
  const child = switchboard(commandLine, options);
  running.add(child);
  void child.ended.finally(() => running.delete(child));
  return child;
}
afterAll(async () => {
  await Promise.all(
    [...running].map((child) => {
      child.signal('SIGKILL');
      return child.ended;
    }),
  );
});

describe.concurrent('--help', () => {
  const flat = (text: string) => text.replace(/\s+/g, ' ');

  test('of local names every flag and its default', async () => {
    const { code, stdout } = await run(['local', '--help']).ended;
    expect(code).toBe(0);
    const help = flat(stdout);
    for (const [flag, preset] of [
      ['--events <n>', '(default: it goes on)'],
      ['--rate <n>', '(default: 20)'],
      ['--faults <kinds>', '(default: none)'],
      ['--seed <n>', '(default: 1)'],
      ['--replay <file>', 'one JSON a line'],
      ['--speed <n>', '(default: 1)'],
      ['--topics <list>', '(default: v2.users.{id}.presence,'],
      ['--users <n>', '(default: 20)'],
      ['--queues <n>', '(default: 5)'],
      ['--token-life <seconds>', '(default: 86400)'],
      ['--channel-life <seconds>', '(default: 86400)'],
      ['--exit', '(default: false)'],
      ['--json', '(default: false)'],
      ['--health-port <n>', '(default: 3001)'],
      ['--log-level <level>', '(default: "SILENT")'],
    ] as const) {
      const at = help.indexOf(` ${flag} `);
      expect(at, flag).toBeGreaterThan(0);
      const next = help.indexOf(' --', at + flag.length + 1);
      const text = help.slice(at, next < 0 ? undefined : help.indexOf(preset, at) + preset.length);
      expect(text, flag).toContain(preset);
    }
    // No flag is left out of this test.
    const options = localCommand(async () => undefined).options.map(({ flags }) => flags);
    expect(options).toHaveLength(15);
    for (const flags of options) expect(help).toContain(flags);
  });

  test('of the program names its commands, and each has its own', async () => {
    const all = await Promise.all(
      [['--help'], ['simulator', '--help'], ['emulator', '--help']].map((line) => run(line).ended),
    );
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    const [program, simulator, emulator] = all.map(({ stdout }) => flat(stdout));
    for (const name of ['local', 'simulator', 'emulator']) expect(program).toContain(` ${name} [options] `);
    for (const flag of [
      '--port',
      '--rate',
      '--seed',
      '--users',
      '--queues',
      '--token-life',
      '--channel-life',
    ])
      expect(simulator).toContain(flag);
    expect(simulator).toContain('(default: 4580)');
    expect(emulator).toContain('(default: 4566)');
    expect(emulator).toContain('--empty');
  });
});

describe('flags', () => {
  /** What `local` says to flags, in this process; undefined when it would run. */
  async function refusal(flags: readonly string[]): Promise<string | undefined> {
    let said = '';
    const local = localCommand(async () => undefined)
      .exitOverride()
      .configureOutput({ writeErr: (text) => (said += text), writeOut: () => undefined });
    try {
      await local.parseAsync(flags, { from: 'user' });
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 1 });
      return said;
    }
  }

  test.each<[string[], RegExp]>([
    [['--frobnicate'], /unknown option '--frobnicate'/],
    [['--evnts', '5'], /unknown option '--evnts'.*Did you mean --events/s],
    [['somewhere'], /too many arguments/],
    [['--events', '0'], /whole number from 1 to 10000000/],
    [['--events', '1.5'], /whole number from 1/],
    [['--events', 'many'], /whole number from 1/],
    [['--events', ''], /whole number from 1/],
    [['--events'], /argument missing/],
    [['--rate', '0'], /number from 0\.1 to 50000/],
    [['--rate', '-1'], /number from 0\.1|argument missing/],
    [['--rate', 'Infinity'], /number from 0\.1/],
    [['--rate', 'NaN'], /number from 0\.1/],
    [['--faults', 'everything'], /there is no fault everything; use all, none, or some of socket_drop/],
    [['--faults', 'throttle,nonsense,more'], /there is no fault nonsense, more/],
    [['--seed', '-1'], /whole number from 0|argument missing/],
    [['--seed', '4294967296'], /whole number from 0 to 4294967295/],
    [['--topics', ' , '], /name at least one topic/],
    [['--topics', 'users'], /users: not a topic; one looks like/],
    [['--topics', 'v2.conversations.{id}.transcription'], /takes no wildcards/],
    [['--users', '0'], /whole number from 1 to 5000/],
    [['--queues', '2001'], /whole number from 1 to 2000/],
    [['--token-life', '9'], /whole number from 10 to 172800/],
    [['--channel-life', '1e9'], /whole number from 10 to 172800/],
    [['--health-port', '65536'], /whole number from 0 to 65535/],
    [['--log-level', 'loud'], /Use one of silent, error, warn, info, debug/],
    [['--exit'], /--exit needs an end: give --events or --replay too/],
    [['--speed', '2'], /--speed is for --replay/],
    [['--replay', CAPTURE, '--speed', '0'], /number from 0\.01 to 100000/],
    [['--replay', CAPTURE, '--events', '5'], /--events and --replay exclude each other/],
    [['--replay', 'no-such-capture.jsonl'], /no-such-capture\.jsonl: there is no such file/],
    [['--json', '--log-level', 'info'], /leave one out/],
    // All problems at once.
    [
      ['--exit', '--speed', '2', '--json', '--log-level', 'info'],
      /--exit needs.*--speed is for.*leave one out/s,
    ],
  ])('%j are refused', async (flags, message) => {
    expect(await refusal(flags)).toMatch(message);
  });

  test.each<string[][]>([
    [['--events', '5', '--exit']],
    [['--rate', '0.5', '--seed', '4294967295', '--log-level', 'INFO']],
    [['--faults', 'throttle, consumer_crash']],
    [['--replay', CAPTURE, '--exit', '--speed', '0.5']],
    [['--topics', 'v2.users.{id}.presence, v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.activity']],
  ])('%j are taken', async (flags) => {
    expect(await refusal(flags)).toBeUndefined();
  });

  test('that are refused end the process with a message, advice and a code', async () => {
    const all = await Promise.all(
      [['local', '--exit'], ['local', '--rate', 'fast'], ['frobnicate'], ['simulator', '--port', 'x']].map(
        (line) => run(line).ended,
      ),
    );
    for (const { code, stderr, stdout } of all) {
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^error: /);
      expect(stderr).toContain('(--help explains every flag)');
    }
  });
});

describe.concurrent('the real Genesys Cloud', () => {
  test.each<[Record<string, string>, RegExp[]]>([
    [{ GENESYS_CLIENT_ID: 'an-id' }, [/GENESYS_DOMAIN is not set/, /GENESYS_CLIENT_SECRET is not set/]],
    [
      { GENESYS_DOMAIN: 'mypurecloud.de' },
      [/GENESYS_CLIENT_ID is not set/, /GENESYS_CLIENT_SECRET is not set/],
    ],
    [
      {
        GENESYS_DOMAIN: 'genesys.example',
        GENESYS_CLIENT_ID: 'an-id',
        GENESYS_CLIENT_SECRET: 's3cret-of-a-client',
      },
      [/genesys\.example is no Genesys Cloud region; it is one of .*mypurecloud\.com/],
    ],
  ])('with %j is refused, with what is missing or wrong', async (env, messages) => {
    const { code, stderr, stdout } = await run(['local', '--health-port', '0'], { env }).ended;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    for (const message of messages) expect(stderr).toMatch(message);
    expect(stderr).not.toContain('s3cret-of-a-client');
  });

  test('takes no flags that play events or faults: it plays its own', async () => {
    const env = {
      GENESYS_DOMAIN: 'mypurecloud.de',
      GENESYS_CLIENT_ID: 'an-id',
      GENESYS_CLIENT_SECRET: 's3cret-of-a-client',
    };
    const flags = ['--events', '5', '--exit', '--faults', 'socket_drop', '--health-port', '0'];
    const { code, stderr, stdout } = await run(['local', ...flags], { env }).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /--events, --exit, --faults of Genesys Cloud: for the simulated Genesys Cloud only/,
    );
  });
});

describe.concurrent('--json', () => {
  test('prints one object, whose fields are these, and nothing else on standard output', async () => {
    const flags = [
      '--events',
      '300',
      '--rate',
      '2000',
      '--exit',
      '--json',
      '--health-port',
      '0',
      '--seed',
      '3',
    ];
    const { code, stdout, stderr } = await run(['local', ...flags]).ended;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const latency = { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) };
    expect(lastLine(stdout)).toEqual({
      sent: 300,
      received: 300,
      published: 300,
      duplicates: 0,
      quarantined: 0,
      lost: 0,
      publishedTwice: 0,
      publishedTwiceUnknown: 0,
      uncovered: 0,
      unproven: 0,
      deadLettered: 0,
      latencyMs: latency,
      latencyStalledMs: { ...latency, count: 0 },
      eventsPerSecond: expect.any(Number),
      gaps: 0,
      gapSeconds: 0,
      faults: expect.any(Object),
    });
    // Progress is for people.
    expect(stderr).toContain('Ctrl-C drains and prints the ledger.');
    expect(stderr).toMatch(/v2\.users\.\{id\}\./);
  });
});

describe.concurrent('--replay', () => {
  test('plays a capture: odd lines are told, and each has its place in the ledger', async () => {
    const flags = ['--replay', CAPTURE, '--speed', '100', '--exit', '--json', '--health-port', '0'];
    const { code, stdout, stderr } = await run(['local', ...flags]).ended;
    expect(code).toBe(0);
    expect(lastLine(stdout)).toMatchObject({
      replay: { lines: 16, played: 13, skipped: 2, odd: 4 },
      // One event stands there twice, its keys in another order.
      sent: 8,
      received: 9,
      duplicates: 1,
      published: 8,
      // JSON that is no frame.
      quarantined: 4,
      lost: 0,
      publishedTwice: 0,
    });
    expect(stderr.match(/capture\.jsonl:\d+ is not JSON; the line is skipped/g)).toEqual([
      'capture.jsonl:7 is not JSON; the line is skipped',
      'capture.jsonl:11 is not JSON; the line is skipped',
    ]);
    expect(stderr).toContain('v2.users.{id}.presence');
  });

  test('without --json tells the same in words', async () => {
    const flags = ['--replay', CAPTURE, '--speed', '1000', '--exit', '--health-port', '0'];
    const { code, stdout } = await run(['local', ...flags]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Replayed 13 of 16 lines, 4 of them no frames; skipped 2 that are not JSON.');
    expect(stdout).toContain('Nothing lost, nothing doubled.');
  });
});

describe.concurrent('Ctrl-C', () => {
  test('drains and prints the ledger', async () => {
    const child = run(['local', '--rate', '300', '--health-port', '0']);
    await child.printed(/published [1-9]\d*/);
    child.signal('SIGINT');
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Ledger: what Genesys Cloud sent against what reached the bus');
    expect(stdout).toMatch(/sent\s+[1-9]\d*\n\s+published\s+[1-9]\d* {3}\(\d+ a second\)\n\s+lost\s+0\n/);
    expect(stdout).toContain('Nothing lost, nothing doubled.');
  });

  test('ends a run with --json with its object, and one that waits after its last event', async () => {
    const child = run(['local', '--events', '200', '--rate', '2000', '--json', '--health-port', '0']);
    await child.printed(/published 200/);
    child.signal('SIGTERM');
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(lastLine(stdout)).toMatchObject({ sent: 200, published: 200, lost: 0 });
  });
});

/** The `export NAME=value` lines of an output. */
function exported(stdout: string): Record<string, string> {
  const lines = stdout.matchAll(/^export (\w+)=(?:'(.*)'|(.*))$/gm);
  return Object.fromEntries([...lines].map(([, name, quoted, plain]) => [name, quoted ?? plain ?? '']));
}

describe.concurrent('the stand-ins alone', () => {
  test('simulator prints its address and the variables to use it', async () => {
    const child = run(['simulator', '--port', '0', '--rate', '50', '--users', '3']);
    await child.printed(/Ctrl-C ends it/);
    const variables = exported(child.stdout);
    expect(child.stdout).toMatch(/^Simulated Genesys Cloud: http:\/\/127\.0\.0\.1:\d+ /);
    expect(Object.keys(variables)).toEqual([
      'GENESYS_API_URL',
      'GENESYS_LOGIN_URL',
      'GENESYS_CLIENT_ID',
      'GENESYS_CLIENT_SECRET',
      'TOPICS',
    ]);
    expect(variables.TOPICS).toContain('v2.users.{id}.presence,');
    const client = `${variables.GENESYS_CLIENT_ID}:${variables.GENESYS_CLIENT_SECRET}`;
    const answer = await fetch(`${variables.GENESYS_LOGIN_URL}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(client).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    expect(answer.status).toBe(200);
    const { access_token } = (await answer.json()) as { access_token: string };
    const users = await fetch(`${variables.GENESYS_API_URL}/api/v2/users?pageSize=100`, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(await users.json()).toMatchObject({ total: 3 });
    child.signal('SIGINT');
    expect((await child.ended).code).toBe(0);
  });

  test("emulator prints its address and the variables of Switchboard's queues, tables and bus", async () => {
    const child = run(['emulator', '--port', '0']);
    await child.printed(/Ctrl-C ends it/);
    const variables = exported(child.stdout);
    expect(child.stdout).toMatch(/^Local AWS: http:\/\/127\.0\.0\.1:\d+\n/);
    for (const name of [
      'AWS_ENDPOINT_URL',
      'AWS_REGION',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'EVENTS_QUEUE_URL',
      'QUARANTINE_QUEUE_URL',
      'STATE_TABLE',
      'CLAIMS_TABLE',
      'EVENT_BUS_NAME',
    ])
      expect(variables[name], name).toBeTruthy();
    const sqs = clientOf(variables);
    const QueueUrl = variables.EVENTS_QUEUE_URL;
    expect(
      (await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }))).MessageId,
    ).toBeTruthy();
    child.signal('SIGINT');
    expect((await child.ended).code).toBe(0);
  });

  test('emulator --empty has nothing in it', async () => {
    const child = run(['emulator', '--port', '0', '--empty']);
    await child.printed(/Ctrl-C ends it/);
    const variables = exported(child.stdout);
    expect(variables).not.toHaveProperty('EVENTS_QUEUE_URL');
    const sqs = clientOf(variables);
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([]);
    expect((await sqs.send(new CreateQueueCommand({ QueueName: 'mine' }))).QueueUrl).toContain('/mine');
    child.signal('SIGTERM');
    expect((await child.ended).code).toBe(0);
  });

  test('a port that is taken is told', async () => {
    const first = run(['emulator', '--port', '0', '--empty']);
    await first.printed(/Ctrl-C ends it/);
    const port = new URL(exported(first.stdout).AWS_ENDPOINT_URL ?? '').port;
    const [emulator, simulator] = await Promise.all([
      run(['emulator', '--port', port]).ended,
      run(['simulator', '--port', port]).ended,
    ]);
    for (const { code, stderr } of [emulator, simulator]) {
      expect(code).toBe(1);
      expect(stderr).toContain(port);
    }
  });
});

function clientOf(variables: Record<string, string>) {
  return sqsClient({
    endpoint: variables.AWS_ENDPOINT_URL ?? '',
    region: variables.AWS_REGION ?? '',
    credentials: {
      accessKeyId: variables.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: variables.AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
}
