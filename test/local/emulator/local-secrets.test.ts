import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONNECTIONS, type SdkClients, sdkClients } from './sdk-clients.ts';

describe.each(CONNECTIONS)('Secrets Manager $way', ({ connect }) => {
  let emulator: Emulator;
  let clients: SdkClients;

  beforeEach(async () => {
    emulator = new Emulator();
    clients = sdkClients(await connect(emulator));
  });

  afterEach(async () => {
    clients.destroy();
    await emulator.close();
  });

  const get = async (SecretId: string, VersionStage?: string) =>
    (await clients.secretsManager.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString;

  test('A secret is found by its name, by its ARN and by its ARN without the suffix, until it is deleted', async () => {
    const Name = 'genesys/client-secret';
    const created = await clients.secretsManager.send(new CreateSecretCommand({ Name, SecretString: 'one' }));
    expect(created.ARN).toMatch(
      /^arn:aws:secretsmanager:us-east-1:000000000000:secret:genesys\/client-secret-\w{6}$/,
    );
    expect(await get(Name)).toBe('one');
    await clients.secretsManager.send(new PutSecretValueCommand({ SecretId: Name, SecretString: 'two' }));
    expect(await get(created.ARN!)).toBe('two');
    expect(await get(created.ARN!.slice(0, -7))).toBe('two');
    await clients.secretsManager.send(new DeleteSecretCommand({ SecretId: Name }));
    await expect(get(Name)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('The value before the current one has the label AWSPREVIOUS', async () => {
    for (const value of ['one', 'two', 'three']) emulator.secretsManager.set('some', value);
    expect(await get('some')).toBe('three');
    expect(await get('some', 'AWSPREVIOUS')).toBe('two');
  });

  test('A binary secret is returned unchanged', async () => {
    const SecretBinary = Uint8Array.from([0, 128, 255]);
    await clients.secretsManager.send(new CreateSecretCommand({ Name: 'binary', SecretBinary }));
    const found = await clients.secretsManager.send(new GetSecretValueCommand({ SecretId: 'binary' }));
    expect(found.SecretBinary).toEqual(SecretBinary);
    expect(found.SecretString).toBeUndefined();
  });

  test('A missing or existing secret is answered with the error of AWS', async () => {
    await expect(get('none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    emulator.secretsManager.set('some', 'value');
    expect(await get('some')).toBe('value');
    await expect(get('some', 'AWSPREVIOUS')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(get('some', 'AWSPENDING')).rejects.toThrow('VersionStage "AWSPENDING"');
    await expect(
      clients.secretsManager.send(new CreateSecretCommand({ Name: 'some', SecretString: 'x' })),
    ).rejects.toMatchObject({ name: 'ResourceExistsException' });
    await expect(
      clients.secretsManager.send(new PutSecretValueCommand({ SecretId: 'some' })),
    ).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });
});
