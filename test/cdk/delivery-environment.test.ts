import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { expect, test } from 'vitest';
import { readConfig } from '../../functions/delivery/delivery-config.ts';
import { DELIVERY_LIMITS } from '../../lib/cdk/delivery-problems.ts';
import type { DeliveryOptions } from '../../lib/cdk/index.ts';
import { deployment, plain } from './test-deployment.ts';

const REQUIRED = { url: 'https://crm.example.com/events', match: {} };

/** The environment of the function at run time, with references replaced by example values. */
function environmentWith(options: (secret: Secret) => Partial<DeliveryOptions>): Record<string, string> {
  using made = deployment(() => ({ logLevel: 'DEBUG' }));
  const { switchboard, stack } = made;
  switchboard.deliverTo('Crm', { ...REQUIRED, ...options(new Secret(stack, 'Theirs')) });
  const [found] = Object.values(
    Template.fromStack(stack).findResources('AWS::Lambda::Function', {
      Properties: { Handler: 'delivery.handler' },
    }),
  );
  return Object.fromEntries(
    Object.entries(found?.Properties.Environment.Variables).map(([name, value]) => [
      name,
      String(plain(value)).replace(name.endsWith('QUEUE_URL') ? /^<(\w+)>$/ : /$^/, 'https://sqs.test/1/$1'),
    ]),
  );
}

test('The function accepts the environment of a delivery with the defaults', () => {
  expect(readConfig(environmentWith(() => ({})))).toMatchObject({
    destination: 'Crm',
    url: new URL(REQUIRED.url),
    queueUrl: expect.stringContaining('DeliveryCrmQueue'),
    deadLetterQueueUrl: expect.stringContaining('DeliveryCrmDeadLetter'),
    quarantineQueueUrl: expect.stringContaining('QueuesQuarantine'),
    timeoutMs: 5_000,
    ratePerSecond: undefined,
    content: 'event',
    addresses: 'public',
    deployment: 'Test-Switchboard',
    logLevel: 'DEBUG',
  });
});

test.each<[string, (secret: Secret) => DeliveryOptions['auth'], object]>([
  ['bearer', (secret) => ({ kind: 'bearer', secret }), { kind: 'bearer' }],
  ['apiKey', (secret) => ({ kind: 'apiKey', secret }), { kind: 'api_key', header: 'X-Api-Key' }],
  [
    'oauth',
    (secret) => ({ kind: 'oauth', tokenUrl: 'https://login.example.com/token', scope: 'events', secret }),
    { kind: 'oauth', tokenUrl: 'https://login.example.com/token', scope: 'events' },
  ],
])('The function accepts every option, with the authentication %s', (_, auth, expected) => {
  const config = readConfig(
    environmentWith((secret) => {
      const given = auth(secret);
      return {
        ...(given ? { auth: given } : {}),
        fields: { id: 'detail.eventBody.id', body: { path: 'detail', type: 'object', optional: true } },
        redaction: { hash: ['**.ani'] },
        ratePerSecond: 0.5,
        timeout: Duration.seconds(7),
      };
    }),
  );
  expect(config).toMatchObject({
    timeoutMs: 7_000,
    ratePerSecond: 0.5,
    redaction: { rules: [{ path: '**.ani', action: 'hash' }] },
  });
  expect(config.credentials.auth).toEqual({ ...expected, secretId: expect.stringContaining('Theirs') });
  expect(config.fields?.apply({ detail: { eventBody: { id: 'a' } } })).toMatchObject({
    value: { id: 'a', body: { eventBody: { id: 'a' } } },
  });
});

test('The function accepts the limits that the construct allows', () => {
  const { timeoutMs, ratePerSecond } = DELIVERY_LIMITS;
  for (const limit of ['min', 'max'] as const)
    expect(
      readConfig(
        environmentWith(() => ({
          timeout: Duration.millis(timeoutMs[limit]),
          ratePerSecond: ratePerSecond[limit],
        })),
      ),
    ).toMatchObject({ timeoutMs: timeoutMs[limit], ratePerSecond: ratePerSecond[limit] });
});
