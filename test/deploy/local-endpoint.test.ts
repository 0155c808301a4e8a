import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { describe, expect, test } from 'vitest';
import { checkAnswers, localEndpoint, localEnvironment } from '../../bin/deploy-local/local-endpoint.ts';

describe('the endpoint', () => {
  test.each([
    ['http://127.0.0.1:4566', 'http://127.0.0.1:4566'],
    ['http://127.1.2.3:80/', 'http://127.1.2.3'],
    ['http://[::1]:4566', 'http://[::1]:4566'],
    ['http://localhost:4566/', 'http://127.0.0.1:4566'],
    ['http://localhost.localstack.cloud:4566', 'http://127.0.0.1:4566'],
    ['http://s3.localhost.localstack.cloud:4566', 'http://127.0.0.1:4566'],
    // A certificate names its host.
    ['https://localhost:9297', 'https://localhost:9297'],
    ['https://127.0.0.1:9297', 'https://127.0.0.1:9297'],
  ])('%s is on this machine', (given, endpoint) => {
    expect(localEndpoint({ AWS_ENDPOINT_URL: given })).toBe(endpoint);
  });

  test.each([
    'https://sqs.us-east-1.amazonaws.com',
    'https://localhost.amazonaws.com',
    'http://127.0.0.1.example.com',
    'http://127.0.0.1@sqs.us-east-1.amazonaws.com',
    'http://notlocalhost',
    'http://localstack.cloud',
    'http://10.0.0.1:4566',
    'http://169.254.169.254',
    'http://0.0.0.0:4566',
    'http://[::ffff:8.8.8.8]',
    'ftp://127.0.0.1',
    'file:///127.0.0.1',
    '127.0.0.1:4566',
    'here',
  ])('%s is refused', (given) => {
    expect(() => localEndpoint({ AWS_ENDPOINT_URL: given })).toThrow(
      expect.objectContaining({
        code: 'endpoint_not_local',
        message: expect.stringContaining('npx cdk deploy'),
      }),
    );
  });

  test.each([{}, { AWS_ENDPOINT_URL: '' }])('%j is refused with how to start one', (environment) => {
    expect(() => localEndpoint(environment)).toThrow(
      expect.objectContaining({
        code: 'no_endpoint',
        message: expect.stringMatching(/test\/ministack\/start\.sh.*docker compose up/s),
      }),
    );
  });

  test('that answers is taken, and one that does not is told', async () => {
    const emulator = new Emulator();
    const { url } = await emulator.listen();
    await checkAnswers(url);
    await emulator.close();
    await expect(checkAnswers(url)).rejects.toMatchObject({
      code: 'endpoint_silent',
      message: expect.stringContaining(url),
    });
  });
});

test('nothing in the environment of the command line leads to AWS', () => {
  const environment = localEnvironment(
    {
      PATH: '/bin',
      GENESYS_DOMAIN: 'mypurecloud.de',
      AWS_ENDPOINT_URL: 'http://localhost:1',
      AWS_ENDPOINT_URL_S3: 'https://s3.amazonaws.com',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      AWS_PROFILE: 'production',
      AWS_ACCESS_KEY_ID: 'real',
      AWS_SECRET_ACCESS_KEY: 'real',
      AWS_SESSION_TOKEN: 'real',
      AWS_WEB_IDENTITY_TOKEN_FILE: '/token',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.2',
      AWS_CONFIG_FILE: '/home/me/.aws/config',
      AWS_REGION: 'eu-central-1',
      HTTPS_PROXY: 'http://proxy:3128',
      http_proxy: 'http://proxy:3128',
    },
    'http://127.0.0.1:4566',
  );
  expect(environment).toEqual({
    PATH: '/bin',
    GENESYS_DOMAIN: 'mypurecloud.de',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
});
