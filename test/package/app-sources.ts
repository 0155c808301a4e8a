import type { DeliveryOptions } from '../../lib/cdk/index.ts';

/** The properties of {@link STACK}, with which the same stack is synthesized from source. */
export const PROPERTIES = {
  genesysDomain: 'mypurecloud.de',
  secret: 'wallboard/genesys',
  topics: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
  webhook: {},
} as const;

/** Two deliveries of {@link STACK}, by name, one of them ordered. */
export const DELIVERIES = {
  Wallboard: {
    url: 'https://wallboard.example.com/presence',
    match: { detailTypes: ['v2.users.{id}.presence'] },
  },
  'Crm-1': {
    url: 'https://crm.example.com/conversations',
    match: { detailTypes: ['v2.routing.queues.{id}.conversations'] },
    fields: {
      eventId: 'detail.metadata.eventId',
      conversationId: { path: 'detail.eventBody.id', type: 'string' },
    },
    redaction: { mask: ['**.ani'] },
    ordered: true,
    ratePerSecond: 200,
  },
} as const satisfies Record<string, DeliveryOptions>;

/** `lib/wallboard-stack.ts`, with the names that `cdk init` gives. */
export const STACK = `import * as cdk from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { type DeliveryOptions, Switchboard } from 'switchboard';
import type { SwitchboardProps } from 'switchboard/cdk';

const PROPERTIES: SwitchboardProps = ${JSON.stringify(PROPERTIES)};
const DELIVERIES: Record<string, DeliveryOptions> = ${JSON.stringify(DELIVERIES)};

export class WallboardStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);
    const switchboard = new Switchboard(this, 'Switchboard', {
      ...PROPERTIES,
      forEmulator: this.node.tryGetContext('emulator') === 'true',
    });
    for (const [name, options] of Object.entries(DELIVERIES)) switchboard.deliverTo(name, options);
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
