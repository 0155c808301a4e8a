import { Command } from 'commander';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { streamsCommand } from '../../bin/streams/streams-command.ts';

const SECRET_ID = 'switchboard/webhook';
const URL = 'https://abc.lambda-url.eu-central-1.on.aws/';
const RULE = 'eventType contains .presence';

let simulator: Simulator;
let emulator: Emulator;
let printed: string;

beforeEach(async () => {
  simulator = new Simulator();
  emulator = new Emulator();
  emulator.secretsManager.set(SECRET_ID, '00'.repeat(32));
  const { url } = await simulator.listen();
  for (const [name, value] of Object.entries({
    GENESYS_API_URL: url,
    GENESYS_LOGIN_URL: url,
    GENESYS_CLIENT_ID: 'simulator-client',
    GENESYS_CLIENT_SECRET: 'simulator-secret',
    WEBHOOK_SECRET_ID: SECRET_ID,
    AWS_ENDPOINT_URL: (await emulator.listen()).url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }))
    vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await simulator.close();
  await emulator.close();
});

/** The only place where a secret is meant to be shown. */
const SHOWN_ONCE = /^(Signing secret, stored in Secrets Manager and shown only now: )[0-9a-f]{64}$/m;

/** Runs `switchboard streams`. @returns what it prints */
async function streams(...flags: string[]): Promise<string> {
  printed = '';
  const program = new Command().addCommand(
    streamsCommand(async (text) => {
      printed += text;
    }),
  );
  await program.parseAsync(['streams', ...flags], { from: 'user' });
  const [command] = flags;
  globalThis.writtenInTest(
    'switchboard streams',
    command === 'create' ? printed.replace(SHOWN_ONCE, '$1') : printed,
  );
  return printed;
}

const create = (...flags: string[]) =>
  streams('create', '--name', 'Presence', '--url', URL, '--rule', RULE, ...flags);
const list = async (): Promise<{ id: string; name: string }[]> => JSON.parse(await streams('list', '--json'));
const stored = (VersionStage = 'AWSCURRENT') => {
  const found = emulator.secretsManager.actions.GetSecretValue?.({ SecretId: SECRET_ID, VersionStage });
  return (found as { SecretString: string }).SecretString;
};

describe('create', () => {
  test('A new stream has a new secret of 32 bytes, which is stored before and shown once', async () => {
    const output = await create();
    const [secret = ''] = /[0-9a-f]{64}/.exec(output) ?? [];
    expect(stored()).toBe(secret);
    expect(stored('AWSPREVIOUS')).toBe('00'.repeat(32));
    const [stream] = simulator.streams.matching({ eventType: 'v2.users.1.presence' });
    expect(stream).toMatchObject({
      name: 'Presence',
      enabled: true,
      destination: { type: 'webhook', url: URL, secret },
      routingRules: [{ name: 'rule 1', condition: RULE, enabled: true }],
    });
    expect(await streams('list')).not.toContain(secret);
  });

  test('--dry-run shows the request without a secret, and calls neither Genesys Cloud nor AWS', async () => {
    for (const name of ['GENESYS_API_URL', 'GENESYS_CLIENT_ID', 'AWS_ENDPOINT_URL', 'WEBHOOK_SECRET_ID'])
      vi.stubEnv(name, '');
    const output = await create('--rule', 'eventBody.direction eq inbound', '--dry-run');
    expect(output).toContain('"condition": "eventBody.direction eq inbound"');
    expect(output).toContain('"secret": "[redacted]"');
    expect(output).toContain('Nothing was created.');
    expect(stored()).toBe('00'.repeat(32));
    expect(simulator.streams.matching({ eventType: 'v2.users.1.presence' })).toEqual([]);
  });

  test.each<[string[], RegExp]>([
    [[], /no --rule; a stream without a condition would stream the whole organization/],
    [['--rule', ''], /the condition is empty, which would stream the whole organization/],
    [['--rule', 'eventType eq *'], /has a wildcard, which would stream the whole organization/],
    [['--rule', RULE, '--rule', 'eventType contains v2.'], /every event type contains "v2\."/],
  ])(
    'A stream with the rules %j is refused with the reason, and no secret is stored',
    async (rules, reason) => {
      await expect(streams('create', '--name', 'All', '--url', URL, ...rules)).rejects.toThrow(reason);
      expect(stored()).toBe('00'.repeat(32));
      expect(await list()).toEqual([]);
    },
  );

  test('All problems of a definition are listed at once', async () => {
    await expect(
      streams('create', '--name', ' ', '--url', 'http://example.com/', '--rule', '*'),
    ).rejects.toThrow(/3 problem\(s\).*--name is empty.*is not an https URL.*--rule: .*wildcard/s);
  });

  test('A second stream to the same URL needs --keep-secret, and then has the same secret', async () => {
    await create();
    const secret = stored();
    await expect(create()).rejects.toThrow(/The stream Presence \(.*\) already delivers to .*--keep-secret/);
    expect(stored()).toBe(secret);
    const output = await create('--keep-secret');
    expect(output).not.toContain(secret);
    const both = simulator.streams.matching({ eventType: 'v2.users.1.presence' });
    expect(both.map(({ destination }) => destination.secret)).toEqual([secret, secret]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['the secret is not named', { WEBHOOK_SECRET_ID: '' }, /Specify the signing secret with --secret/],
    [
      'the secret does not exist',
      { WEBHOOK_SECRET_ID: 'none' },
      /There is no secret none .*property webhook/,
    ],
    [
      'the OAuth client is missing',
      { GENESYS_CLIENT_ID: '', GENESYS_CLIENT_SECRET: '' },
      /Set GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET/,
    ],
    ['the OAuth client is wrong', { GENESYS_CLIENT_SECRET: 'wrong-secret' }, /client/],
  ])('If %s, nothing is created, and the error says what to do', async (_, environment, reason) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    await expect(create()).rejects.toThrow(reason);
    expect(simulator.streams.matching({ eventType: 'v2.users.1.presence' })).toEqual([]);
  });
});

describe('list and delete', () => {
  test('The list shows id, URL and rules of each stream', async () => {
    expect(await streams('list')).toBe('There are no streams.\n');
    await create();
    const [{ id } = { id: '' }] = await list();
    expect(await streams('list')).toBe(`Presence\n  id    ${id}\n  to    ${URL}\n  rule  ${RULE}\n`);
  });

  test('A stream is deleted by id, and its secret is kept', async () => {
    await create();
    const secret = stored();
    const [{ id } = { id: '' }] = await list();
    expect(await streams('delete', id, '--dry-run')).toContain('Nothing was deleted.');
    expect(await list()).toHaveLength(1);
    expect(await streams('delete', id)).toBe(`Deleted the stream Presence: ${id}\n`);
    expect(await list()).toEqual([]);
    expect(stored()).toBe(secret);
    await expect(streams('delete', id)).rejects.toThrow(`There is no stream ${id}`);
  });
});
