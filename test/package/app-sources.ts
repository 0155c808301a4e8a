/** The properties of {@link STACK}, with which the same stack is synthesized from source. */
export const PROPERTIES = {
  genesysDomain: 'mypurecloud.de',
  secret: 'wallboard/genesys',
  topics: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
  webhook: {},
} as const;

/** `lib/wallboard-stack.ts`, with the names that `cdk init` gives. */
export const STACK = `import * as cdk from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { Switchboard } from 'switchboard';
import type { SwitchboardProps } from 'switchboard/cdk';

const PROPERTIES: SwitchboardProps = ${JSON.stringify(PROPERTIES)};

export class WallboardStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);
    new Switchboard(this, 'Switchboard', {
      ...PROPERTIES,
      forEmulator: this.node.tryGetContext('emulator') === 'true',
    });
  }
}
`;

/** `lib/presence-handler.ts`, a target of a rule. */
export const HANDLER = `import { publishedEventSchema, type EventDetail } from 'switchboard/events';

export function handler(event: unknown): EventDetail {
  return publishedEventSchema.parse(event).detail;
}
`;

/** `test/wallboard.test.ts`, which Jest runs. */
export const TEST = `import * as cdk from 'aws-cdk-lib/core';
import { Template } from 'aws-cdk-lib/assertions';
import { WallboardStack } from '../lib/wallboard-stack';
import { handler } from '../lib/presence-handler';

test('The stack has the consumer', () => {
  const template = Template.fromStack(new WallboardStack(new cdk.App(), 'Test'));
  template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'index.handler' });
});

test('A target rejects what is no event', () => {
  expect(() => handler({})).toThrow('detail-type');
});
`;

/** A file with a property that does not exist and one that does not fit. */
export const MISTAKES = `import type { SwitchboardProps } from 'switchboard';

export const first: SwitchboardProps = { topics: [], retention: 7 };
export const second: SwitchboardProps = { topics: [], logLevel: 'LOUD' };
`;
