import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { secretsManager, uniqueName } from './contract-clients.ts';

const Name = uniqueName('secret');
const SecretString = JSON.stringify({ clientId: 'id', clientSecret: 'sécret' });

let arn: string;
beforeAll(async () => {
  const { ARN = '' } = await secretsManager.send(new CreateSecretCommand({ Name, SecretString }));
  arn = ARN;
});
afterAll(async () => {
  await secretsManager.send(new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true }));
});

contract('secrets.get', 'A secret is read by its name and by its ARN', async () => {
  for (const SecretId of [Name, arn]) {
    const found = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
    expect(found).toMatchObject({ Name, ARN: arn, SecretString, VersionStages: ['AWSCURRENT'] });
  }
});

contract('secrets.absent', 'A secret that does not exist has its own error', async () => {
  const command = new GetSecretValueCommand({ SecretId: uniqueName('absent') });
  await expect(secretsManager.send(command)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

contract('secrets.previous', 'After a new value, the one before has the label AWSPREVIOUS', async () => {
  const name = uniqueName('rotated');
  await secretsManager.send(new CreateSecretCommand({ Name: name, SecretString: 'one' }));
  const previous = new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSPREVIOUS' });
  await expect(secretsManager.send(previous)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await secretsManager.send(new PutSecretValueCommand({ SecretId: name, SecretString: 'two' }));
  expect(await secretsManager.send(previous)).toMatchObject({ SecretString: 'one' });
  await secretsManager.send(new DeleteSecretCommand({ SecretId: name, ForceDeleteWithoutRecovery: true }));
});
