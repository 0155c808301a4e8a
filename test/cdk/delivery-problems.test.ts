import { CfnParameter, Duration, Lazy, Token } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DeliveryOptions, SwitchboardConfigurationError } from '../../lib/cdk/index.ts';
import { type Deployment, deployment } from './test-deployment.ts';

const URL = 'https://crm.example.com/events';

let made: Deployment;
let vpc: Vpc;
beforeAll(() => {
  made = deployment();
  vpc = new Vpc(made.stack, 'Theirs');
});
afterAll(() => made[Symbol.dispose]());

function problemsOf(options: object, name = 'Refused'): readonly string[] {
  try {
    made.switchboard.deliverTo(name, { url: URL, match: {}, ...options } as DeliveryOptions);
  } catch (error) {
    if (error instanceof SwitchboardConfigurationError)
      return error.problems.map((problem) => problem.replace(/^deliverTo \S+: /, ''));
    throw error;
  }
  throw new Error('The delivery was created.');
}

test('All problems are listed at once, each with the name of the delivery', () => {
  const create = () =>
    made.switchboard.deliverTo('Crm', {
      url: 'http://crm.example.com',
      match: { detailTypes: [] },
      fields: { id: 'eventBody.id' },
      ratePerSecond: 0,
      concurrency: 1,
      timeout: Duration.minutes(1),
      allowPrivateAddresses: true,
    });
  expect(create).toThrow(SwitchboardConfigurationError);
  expect(create).toThrow(/7 problem\(s\):\n(?: {2}- deliverTo Crm: .+\n?){7}$/);
  expect(made.switchboard.node.tryFindChild('Delivery-Crm')).toBeUndefined();
});

test('The error starts at the line of the user', () => {
  try {
    made.switchboard.deliverTo('1', { url: URL, match: {} });
    expect.unreachable();
  } catch (error) {
    expect(String((error as Error).stack).split('\n    at ')[1]).toContain('delivery-problems.test.ts');
  }
});

describe('A delivery is refused', () => {
  test.each<[string, object, RegExp]>([
    ['a URL without a scheme', { url: 'crm.example.com' }, /^url is not a URL; specify one such as https:/],
    ['a URL without TLS', { url: 'http://crm.example.com' }, /^url starts with http:, but must be https:$/],
    [
      'a password in the URL',
      { url: 'https://me:pw@crm.example.com' },
      /^url contains a user name or password/,
    ],
    ['a fragment in the URL', { url: `${URL}#part` }, /^url contains a fragment/],
    ['conditions that exclude each other', { match: { queueId: 'q', userId: 'u' } }, /^match: queueId and/],
    ['a name that no secret can have', { secret: 'a b' }, /^secret a b is not a valid secret name/],
    [
      'unknown authentication',
      { auth: { kind: 'basic' } },
      /^auth\.kind is not one of bearer, apiKey, oauth$/,
    ],
    ['a header that is none', { auth: { kind: 'apiKey', header: 'A key' } }, /^auth\.header A key is not/],
    [
      'a header of the call',
      { auth: { kind: 'apiKey', header: 'Webhook-Id' } },
      /^auth\.header Webhook-Id is/,
    ],
    [
      'a header that the function refuses',
      { auth: { kind: 'apiKey', header: 'Idempotency-Key' } },
      /^auth\.header Idempotency-Key is/,
    ],
    ['a token URL without TLS', { auth: { kind: 'oauth', tokenUrl: 'http://a' } }, /^auth\.tokenUrl starts/],
    ['unknown content', { content: 'body' }, /^content is body, but must be event or detail$/],
    [
      'fields and content',
      { fields: { a: 'id' }, content: 'detail' },
      /^fields and content cannot be combined/,
    ],
    ['no fields', { fields: {} }, /^fields is empty: specify a field, or omit it$/],
    ['a field without a path', { fields: { a: { type: 'string' } } }, /^fields\.a has no path$/],
    ['fields that are no object', { fields: 'id' }, /^fields is not an object with a path for each field$/],
    ['an empty redaction', { redaction: {} }, /^redaction redacts nothing/],
    ['a redaction with a mistake', { redaction: { drop: ['a..b'] } }, /^redaction\.drop\[0\] \(a\.\.b\) has/],
    ['a rate of zero', { ratePerSecond: 0.009 }, /^ratePerSecond is 0\.009, but must be a number from 0\.01/],
    ['too high a rate', { ratePerSecond: 10_001 }, /^ratePerSecond is 10001, but/],
    ['a rate that is not a number', { ratePerSecond: Number.NaN }, /^ratePerSecond is NaN, but/],
    ['too few calls', { concurrency: 1 }, /^concurrency is 1, but must be an integer from 2 to 1000 \(/],
    ['too many calls', { concurrency: 1_001 }, /^concurrency is 1001, but/],
    [
      'too short a timeout',
      { timeout: Duration.millis(99) },
      /^timeout is 99 milliseconds, but must be from/,
    ],
    ['too long a timeout', { timeout: Duration.millis(20_001) }, /^timeout is 20001 milliseconds, but/],
    ['subnets without a VPC', { vpcSubnets: {} }, /^vpcSubnets is specified without vpc/],
    ['private addresses without a VPC', { allowPrivateAddresses: true }, /^allowPrivateAddresses is/],
    [
      'an unknown alarm',
      { alarms: { Silence: false } },
      /^alarms\.Silence is not an alarm of a delivery; use/,
    ],
    [
      'an alarm of an ordered one',
      { alarms: { OrderErrors: false } },
      /^alarms\.OrderErrors is specified, but only/,
    ],
    [
      'a negative threshold',
      { alarms: { Errors: { threshold: -1 } } },
      /^alarms\.Errors\.threshold is -1, but/,
    ],
    [
      'a threshold of a condition',
      { ordered: true, alarms: { OrderDeadLetterNotEmpty: { threshold: 1 } } },
      /^alarms\.OrderDeadLetterNotEmpty\.threshold is specified, but this alarm has no threshold/,
    ],
  ])('with %s', (_, options, problem) => {
    expect(problemsOf(options)).toEqual([expect.stringMatching(problem)]);
  });

  test('with a port other than 443 in a VPC, because the security group does not allow it', () => {
    const url = 'https://crm.example.com:8443/';
    expect(problemsOf({ url, vpc })).toEqual([
      'url has the port 8443, but with vpc the security group only allows 443',
    ]);
  });

  test('with settings that do not fit into the variables of a function', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`field${index}`, `detail.${'x'.repeat(120)}`]),
    );
    expect(problemsOf({ fields })).toEqual([
      expect.stringMatching(/^url, fields and redaction have \d{4} bytes as JSON, but at most 2500 fit/),
    ]);
  });

  test('with a timeout in seconds that is known only at deployment', () => {
    const timeout = Duration.seconds(Lazy.number({ produce: () => 5 }));
    expect(problemsOf({ timeout })).toEqual([expect.stringMatching(/requires Duration\.millis$/)]);
  });

  test.each(['', '1Crm', 'Crm_1', 'a'.repeat(65)])('with the name "%s"', (name) => {
    expect(problemsOf({}, name)).toEqual([expect.stringMatching(/the name is invalid; use 1-64 letters/)]);
  });

  test('with a name that another delivery has, also if only hyphens differ', () => {
    using own = deployment();
    const deliver = (name: string) => own.switchboard.deliverTo(name, { url: URL, match: {} });
    deliver('Crm-A');
    expect(() => deliver('Crm-A')).toThrow(/deliverTo Crm-A: the deployment already has a delivery to Crm-A/);
    expect(() => deliver('CrmA')).toThrow(/deliverTo CrmA: the deployment already has a delivery to Crm-A/);
    deliver('CrmB');
  });
});

test('No message contains the URL, which can contain a password', () => {
  const url = 'ftp://me:secret-word@crm.example.com/path#part';
  expect(problemsOf({ url })).toHaveLength(3);
  expect(problemsOf({ url }).join()).not.toMatch(/secret-word|path/);
});

test('Values that are known only at deployment are accepted', () => {
  using own = deployment();
  const stack = own.stack;
  const parameter = (id: string) => new CfnParameter(stack, id).valueAsString;
  const number = () => Lazy.number({ produce: () => 5 });
  expect(() =>
    own.switchboard.deliverTo('Crm', {
      url: parameter('Url'),
      match: { queueId: parameter('Queue') },
      secret: parameter('Secret'),
      auth: { kind: 'apiKey', header: parameter('Header'), secret: new Secret(stack, 'Key') },
      fields: { id: parameter('Path'), other: { path: parameter('Other'), optional: true } },
      ratePerSecond: number(),
      concurrency: number(),
      timeout: Duration.millis(number()),
      alarms: { OldestMessageTooOld: { threshold: Token.asNumber({ Ref: 'Age' }) } },
    }),
  ).not.toThrow();
});

test('The limits themselves are accepted', () => {
  using own = deployment();
  const { switchboard } = own;
  const common = { url: URL, match: {} };
  switchboard.deliverTo('a', {
    ...common,
    ratePerSecond: 0.01,
    concurrency: 2,
    timeout: Duration.millis(100),
  });
  switchboard.deliverTo('z'.repeat(64), {
    ...common,
    ratePerSecond: 10_000,
    concurrency: 1_000,
    timeout: Duration.seconds(20),
  });
});
