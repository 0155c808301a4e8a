import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { describe, expect, test } from 'vitest';
import { checkReachable, localEndpoint, localEnvironment } from '../../bin/deploy-local/local-endpoint.ts';

describe('Emulator endpoint', () => {
  test.each([
    ['http://127.0.0.1:4566', 'http://127.0.0.1:4566'],
    ['http://127.1.2.3:80/', 'http://127.1.2.3'],
    ['http://[::1]:4566', 'http://[::1]:4566'],
    ['http://localhost:4566/', 'http://127.0.0.1:4566'],
    ['http://localhost.localstack.cloud:4566', 'http://127.0.0.1:4566'],
    ['http://s3.localhost.localstack.cloud:4566', 'http://127.0.0.1:4566'],
    // With HTTPS the host name is kept, because the certificate contains it.
    ['https://localhost:9297', 'https://localhost:9297'],
    ['https://127.0.0.1:9297', 'https://127.0.0.1:9297'],
  ])('The endpoint %s is accepted as %s', (given, endpoint) => {
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
  ])('The endpoint %s is rejected because it is not on this machine', (given) => {
    expect(() => localEndpoint({ AWS_ENDPOINT_URL: given })).toThrow(
      expect.objectContaining({
        code: 'endpoint_not_local',
        message: expect.stringContaining('npx cdk deploy'),
      }),
    );
  });

  test.each([{}, { AWS_ENDPOINT_URL: '' }])(
    'The environment %j is rejected with instructions to start an emulator',
    (environment) => {
      expect(() => localEndpoint(environment)).toThrow(
        expect.objectContaining({
          code: 'no_endpoint',
          message: expect.stringMatching(/test\/ministack\/start\.sh.*docker compose up/s),
        }),
      );
    },
  );

  test('The endpoint check succeeds if the emulator responds and fails if it does not', async () => {
    const emulator = new Emulator();
    const { url } = await emulator.listen();
    await checkReachable(url);
    await emulator.close();
    await expect(checkReachable(url)).rejects.toMatchObject({
      code: 'endpoint_silent',
      message: expect.stringContaining(url),
    });
  });
});

test('The environment for the CDK CLI contains no settings that lead to AWS', () => {
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
