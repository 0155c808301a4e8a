import { App, Stack } from 'aws-cdk-lib';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { overrides, Switchboard } from '../lib/cdk/index.ts';

/**
 * An example with rules in a separate stack, for a team that consumes the events:
 * `npx cdk deploy --all --app 'node_modules/.bin/node bin/example.ts'`.
 */
const app = new App();
const switchboard = new Switchboard(new Stack(app, 'Switchboard'), 'Switchboard', {
  genesysDomain: 'mypurecloud.com',
  secret: 'switchboard/genesys',
  topics: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
  archiveDays: 30,
  ...overrides(app),
});

const team = new Stack(app, 'WallboardTeam');
const undelivered = new Queue(team, 'Undelivered', { enforceSSL: true });
const target = (id: string) =>
  new SqsQueue(new Queue(team, id, { enforceSSL: true }), { deadLetterQueue: undelivered });

// All presence changes.
switchboard.on(team, 'Presence', { detailTypes: ['v2.users.{id}.presence'] }, target('PresenceChanges'));
// The events of one queue, without events that were recovered after a gap.
switchboard.on(
  team,
  'SupportQueue',
  { queueId: '5e0c2a4e-6f0b-4a55-9d3c-0f2c8b1f7a10', backfilled: false },
  target('SupportConversations'),
);
// The events of one user.
switchboard.on(
  team,
  'OneAgent',
  { userId: 'b7f2d6c1-3a4e-4d2b-8c55-1e9a0d7c6f21' },
  target('OneAgentEvents'),
);
