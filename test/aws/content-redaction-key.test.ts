import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { expect, test } from 'vitest';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';
import { contentRedaction } from '../../lib/aws/content-redaction-key.ts';
import { redact } from '../../lib/events/redaction.ts';

const KEY = 'a key of at least thirty-two characters';
const RULES = { rules: [{ path: 'a', action: 'hash' }] } as const;
const FRAME = { topicName: 't', eventBody: { a: 1 } };

function secretsWith(value: string | undefined) {
  const emulator = new Emulator();
  if (value !== undefined) emulator.secretsManager.set('redaction', value);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return () =>
    secretsManagerClient({ region: 'us-east-1', credentials, requestHandler: emulator.requestHandler() });
}
const noSecrets = () => expect.fail('Secrets Manager must not be called');

test('Without rules there is no redaction, and without a key no call', async () => {
  expect(await contentRedaction(undefined, noSecrets)).toBeUndefined();
  const dropping = await contentRedaction(
    { rules: [{ path: 'a', action: 'drop' }], key: undefined },
    noSecrets,
  );
  expect(dropping?.frame(FRAME).eventBody).toEqual({});
});

test('The key in a secret hashes like the same key in a variable, and appears in no log', async () => {
  const bySecret = await contentRedaction({ ...RULES, key: { secretId: 'redaction' } }, secretsWith(KEY));
  const byVariable = await contentRedaction({ ...RULES, key: { text: KEY } }, noSecrets);
  expect(bySecret?.frame(FRAME)).toEqual(byVariable?.frame(FRAME));
  const other = await contentRedaction({ ...RULES, key: { text: `${KEY}!` } }, noSecrets);
  expect(other?.frame(FRAME)).not.toEqual(byVariable?.frame(FRAME));
  expect(redact(`the key is ${KEY}`)).not.toContain(KEY);
});

test.each([
  ['no value', undefined, /ResourceNotFound|find/],
  ['a short value', 'short', /no value of at least 32 characters/],
])('A secret with %s is an error', async (_what, value, message) => {
  const config = { ...RULES, key: { secretId: 'redaction' } };
  await expect(contentRedaction(config, secretsWith(value))).rejects.toThrow(message);
});
