import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
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
