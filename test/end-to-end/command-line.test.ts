import { join } from 'node:path';
import { CreateQueueCommand, ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, test } from 'vitest';
import { localCommand } from '../../bin/local/local-options.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { Child, COMMAND_LINE, lastLine, switchboard } from './child.ts';

const CAPTURE = join(import.meta.dirname, 'capture.jsonl');
/** Events that all differ, for tests that are not about the identity of events. */
const DISTINCT_EVENTS = ['--topics', 'v2.analytics.queues.{id}.observations'];

/** Runs a shell command. Ends with its exit code. */
const PIPE_TO_SHELL =
  "process.exit(require('node:child_process').spawnSync(process.argv[1], { shell: true, stdio: 'inherit' }).status)";

const running = new Set<Child>();
/** Runs the command line. Processes that are still running after the tests are killed. */
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

  test('The help of local lists every option and its default', async () => {
    const { code, stdout } = await run(['local', '--help']).ended;
    expect(code).toBe(0);
    const help = flat(stdout);
    for (const [flag, preset] of [
      ['--events <n>', '(default: unlimited)'],
      ['--rate <n>', '(default: 20)'],
      ['--faults <kinds>', '(default: none)'],
      ['--seed <n>', '(default: 1)'],
      ['--replay <file>', '- is standard input'],
      ['--speed <n>', '(default: 1)'],
      ['--pick <path>', 'where the frame is'],
      ['--control-frames', '(default: false)'],
      ['--topics <list>', '(default: v2.users.{id}.presence,'],
      ['--users <n>', '(default: 20)'],
      ['--queues <n>', '(default: 5)'],
      ['--token-life <seconds>', '(default: 86400)'],
      ['--channel-life <seconds>', '(default: 86400)'],
      ['--exit', '(default: false)'],
      ['--json', '(default: false)'],
      ['--protocol <name>', 'notification-channels'],
      ['--health-port <n>', '(default: 3001)'],
      ['--audit <records>', '(choices: "off", "connections", "all", default: "off")'],
      ['--audit-file <file>', 'one JSON object per line'],
      ['--log-level <level>', '(default: silent)'],
    ] as const) {
      const at = help.indexOf(` ${flag} `);
      expect(at, flag).toBeGreaterThan(0);
      const next = help.indexOf(' --', at + flag.length + 1);
      const text = help.slice(at, next < 0 ? undefined : help.indexOf(preset, at) + preset.length);
      expect(text, flag).toContain(preset);
    }
    // This test covers all options.
    const options = localCommand(async () => undefined).options.map(({ flags }) => flags);
    expect(options).toHaveLength(25);
    for (const flags of options) expect(help).toContain(flags);
  });

  test('The help of the program lists its commands, and each command has its own help', async () => {
    const all = await Promise.all(
      [['--help'], ['simulator', '--help'], ['emulator', '--help']].map((line) => run(line).ended),
    );
    for (const { code } of all) expect(code).toBe(0);
    const [program, simulator, emulator] = all.map(({ stdout }) => flat(stdout));
    for (const name of ['local', 'gaps', 'simulator', 'emulator'])
      expect(program).toContain(` ${name} [options] `);
    expect(program).toContain(' streams Manage ');
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
  /** The error message of `local` for options, from this process. Undefined if it would run. */
  async function errorFor(flags: readonly string[]): Promise<string | undefined> {
    let message = '';
    const local = localCommand(async () => undefined)
      .exitOverride()
      .configureOutput({ writeErr: (text) => (message += text), writeOut: () => undefined });
    try {
      await local.parseAsync(flags, { from: 'user' });
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 1 });
      return message;
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
    [['--faults', 'everything'], /unknown fault everything; use all, none, or a list of socket_drop/],
    [['--faults', 'throttle,nonsense,more'], /unknown fault nonsense, more/],
    [['--seed', '-1'], /whole number from 0|argument missing/],
    [['--seed', '4294967296'], /whole number from 0 to 4294967295/],
    [['--topics', ' , '], /specify at least one topic/],
    [['--topics', 'users'], /users: .*topic/],
    [['--topics', 'v2.conversations.{id}.transcription'], /transcription.*wildcard/],
    [['--users', '0'], /whole number from 1 to 5000/],
    [['--queues', '2001'], /whole number from 1 to 2000/],
    [['--token-life', '9'], /whole number from 10 to 172800/],
    [['--channel-life', '1e9'], /whole number from 10 to 172800/],
    [['--health-port', '65536'], /whole number from 0 to 65535/],
    [['--log-level', 'loud'], /Use one of silent, error, warn, info, debug/],
    [['--exit'], /--exit requires --events or --replay/],
    [['--speed', '2'], /--speed requires --replay/],
    [['--replay', CAPTURE, '--speed', '0'], /number from 0\.01 to 100000/],
    [['--replay', CAPTURE, '--events', '5'], /--events and --replay are mutually exclusive/],
    [['--replay', 'no-such-capture.jsonl'], /no-such-capture\.jsonl: file not found/],
    [['--pick', 'a.b'], /--pick requires --replay/],
    [['--control-frames'], /--control-frames requires --replay/],
    [['--audit', 'some'], /Allowed choices are off, connections, all/],
    [['--audit', 'all'], /requires --audit-file/],
    [['--audit-file', 'audit.jsonl'], /--audit-file requires one of them/],
    // All problems are reported at once.
    [['--exit', '--speed', '2', '--pick', 'a'], /--exit requires.*--speed requires.*--pick requires/s],
  ])('The options %j are rejected', async (flags, message) => {
    expect(await errorFor(flags)).toMatch(message);
  });

  test.each<string[][]>([
    [['--events', '5', '--exit']],
    [['--rate', '0.5', '--seed', '4294967295', '--log-level', 'INFO']],
    [['--faults', 'throttle, consumer_crash']],
    [['--faults', 'all,large_event,ingester_kill']],
    [['--json', '--log-level', 'warn']],
    [['--audit', 'all', '--audit-file', 'audit.jsonl']],
    [['--replay', '-', '--speed', 'max', '--pick', 'a.b.c', '--control-frames']],
    [['--replay', CAPTURE, '--exit', '--speed', '0.5']],
    [['--topics', 'v2.users.{id}.presence, v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.activity']],
  ])('The options %j are accepted', async (flags) => {
    expect(await errorFor(flags)).toBeUndefined();
  });

  test('Invalid options end the process with a message, advice and exit code 1', async () => {
    const all = await Promise.all(
      [['local', '--exit'], ['local', '--rate', 'fast'], ['frobnicate'], ['simulator', '--port', 'x']].map(
        (line) => run(line).ended,
      ),
    );
    for (const { code, stderr, stdout } of all) {
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^error: /);
      expect(stderr).toContain('(use --help for a list of commands and options)');
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
      [/genesys\.example is not a Genesys Cloud region; use one of .*mypurecloud\.com/],
    ],
  ])('The environment %j is rejected with a list of what is missing or invalid', async (env, messages) => {
    const { code, stderr, stdout } = await run(['local', '--health-port', '0'], { env }).ended;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    for (const message of messages) expect(stderr).toMatch(message);
    expect(stderr).not.toContain('s3cret-of-a-client');
  });

  test('Options of the simulated Genesys Cloud are rejected when the real one is used', async () => {
    const env = {
      GENESYS_DOMAIN: 'mypurecloud.de',
      GENESYS_CLIENT_ID: 'an-id',
      GENESYS_CLIENT_SECRET: 's3cret-of-a-client',
    };
    const flags = ['--events', '5', '--exit', '--faults', 'socket_drop', '--health-port', '0'];
    const { code, stderr, stdout } = await run(['local', ...flags], { env }).ended;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /--events, --exit, --faults with faults of Genesys Cloud: only valid with the simulated Genesys Cloud/,
    );
  });
});

describe.concurrent('--json', () => {
  test('A run with --json prints one object with all results, and nothing else, to stdout', async () => {
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
      ...DISTINCT_EVENTS,
    ];
    const { code, stdout, stderr } = await run(['local', ...flags]).ended;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const latency = { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) };
    expect(lastLine(stdout)).toEqual({
      seed: 3,
      problems: [],
      sent: 300,
      received: 300,
      published: 300,
      duplicates: 0,
      quarantined: 0,
      lost: 0,
      publishedTwice: 0,
      publishedTwiceWeak: 0,
      publishedTwiceUnknown: 0,
      uncovered: 0,
      unproven: 0,
      recovered: 0,
      unrecoverable: {},
      unexplained: 0,
      gapRecords: 0,
      deadLettered: 0,
      latencyMs: latency,
      latencyStalledMs: { ...latency, count: 0 },
      eventsPerSecond: expect.any(Number),
      wrongProtocol: 0,
      sequence: { gap: 0, late: 0, duplicate: 0, epoch: 0 },
      gaps: 0,
      gapSeconds: 0,
      faults: expect.any(Object),
    });
    // Progress and the verdict go to stderr.
    expect(stderr).toContain('Every event was published once.');
    expect(stderr).toContain('Press Ctrl-C to drain the pipeline and print the result.');
    expect(stderr).toMatch(/v2\.analytics\.queues\.\{id\}\./);
  });
});

describe.concurrent('--json and logs', () => {
  test('With --json, logs go to stderr, and stdout has only the result', async () => {
    const flags = ['--events', '100', '--rate', '2000', '--exit', '--json', '--log-level', 'info'];
    const { code, stdout, stderr } = await run(['local', ...flags, '--health-port', '0', ...DISTINCT_EVENTS])
      .ended;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(lastLine(stdout)).toMatchObject({ published: 100 });
    expect(stderr).toMatch(/^\{"level":"INFO","message":"connected"/m);
  });
});

describe.concurrent('a failing consumer', () => {
  test('A consumer whose claims table was deleted is reported with its cause, and the run fails', async () => {
    const child = run(['local', '--rate', '100', '--json', '--health-port', '0', ...DISTINCT_EVENTS]);
    await child.printed(/^ *\d+ s +[1-9]/m);
    const endpoint = /AWS +(http:\S+)/.exec(child.stderr)?.[1] ?? '';
    await fetch(endpoint, {
      method: 'POST',
      headers: {
        'X-Amz-Target': 'DynamoDB_20120810.DeleteTable',
        'Content-Type': 'application/x-amz-json-1.0',
        Authorization: 'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request',
      },
      body: JSON.stringify({ TableName: 'switchboard-claims' }),
    });
    await child.printed(/The consumer failed: .*ResourceNotFound/);
    // The last column counts the failures.
    await child.printed(/^ *\d+ s( +\d+){7} +[1-9]\d*$/m);
    await child.printed(
      /Stalled: no event has reached the bus for 1\d s\..* Last failure .*ResourceNotFound/,
    );
    expect(child.stderr.match(/The consumer failed: .*ResourceNotFound/g)).toHaveLength(1);
    child.signal('SIGKILL');
    await child.ended;
  });
});

describe.concurrent('a broken pipe', () => {
  test('A run whose output is no longer read ends quietly', async () => {
    const shell = `"${process.execPath}" "${COMMAND_LINE}" local --rate 50 --health-port 0 | head -n 3`;
    const child = new Child(['-e', PIPE_TO_SHELL, shell]);
    const { stderr } = await child.ended;
    expect(stderr).toBe('');
  });
});

describe.concurrent('Ctrl-C', () => {
  /** A row of the progress table with at least this many events sent, received and published. */
  const progressRow = (events: string) => new RegExp(`^ *\\d+ s +${events} +${events} +${events} `, 'm');

  test('Ctrl-C drains the pipeline and prints the result', async () => {
    const child = run(['local', '--rate', '300', '--health-port', '0', ...DISTINCT_EVENTS]);
    await child.printed(progressRow('[1-9]\\d*'));
    child.signal('SIGINT');
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Result: events sent by Genesys Cloud and events on the bus');
    expect(stdout).toMatch(/sent\s+[1-9]\d*\n\s+published\s+[1-9]\d* \(\d+ per second\)\n\s+lost\s+0\n/);
    expect(stdout).toMatch(/Draining, \d+ events left\. Press Ctrl-C again to quit\./);
    expect(stdout).toContain('Every event was published once.');
    for (const line of stdout.split('\n').filter((text) => /^ *(time|\d+ s) /.test(text)))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  test('SIGTERM ends a run that waits after its last event, and --json prints the result', async () => {
    const child = run([
      'local',
      '--events',
      '200',
      '--rate',
      '2000',
      '--json',
      '--health-port',
      '0',
      ...DISTINCT_EVENTS,
    ]);
    await child.printed(progressRow('200'));
    child.signal('SIGTERM');
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(lastLine(stdout)).toMatchObject({ sent: 200, published: 200, lost: 0 });
  });
});

/** The variables in the `export NAME=value` lines of an output. */
function exported(stdout: string): Record<string, string> {
  const lines = stdout.matchAll(/^export (\w+)=(?:'(.*)'|(.*))$/gm);
  return Object.fromEntries([...lines].map(([, name, quoted, plain]) => [name, quoted ?? plain ?? '']));
}

// `switchboard simulator` prints the secret of its client, for the program that connects to it. Nothing else may.
afterAll(() => {
  const others = globalThis
    .takeFindings()
    .filter(({ excerpt }) => !/^export GENESYS_CLIENT_SECRET=simulator-secret$/m.test(excerpt));
  expect(others).toEqual([]);
});

describe.concurrent('the stand-ins alone', () => {
  test('The simulator prints its address and the variables to use it', async () => {
    const child = run(['simulator', '--port', '0', '--rate', '50', '--users', '3']);
    await child.printed(/Ctrl-C to stop/);
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

  test('The emulator prints its address and the variables of the queues, tables and bus', async () => {
    const child = run(['emulator', '--port', '0']);
    await child.printed(/Ctrl-C to stop/);
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

  test('The emulator with --empty has no queues', async () => {
    const child = run(['emulator', '--port', '0', '--empty']);
    await child.printed(/Ctrl-C to stop/);
    const variables = exported(child.stdout);
    expect(variables).not.toHaveProperty('EVENTS_QUEUE_URL');
    const sqs = clientOf(variables);
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([]);
    expect((await sqs.send(new CreateQueueCommand({ QueueName: 'mine' }))).QueueUrl).toContain('/mine');
    child.signal('SIGTERM');
    expect((await child.ended).code).toBe(0);
  });

  test('A port that is in use ends the process with an error that names the port', async () => {
    const first = run(['emulator', '--port', '0', '--empty']);
    await first.printed(/Ctrl-C to stop/);
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
