import { App, Stack } from 'aws-cdk-lib';
import { overrides, Switchboard } from '../lib/cdk/index.ts';

const app = new App();
const stack = new Stack(app, 'Switchboard');

new Switchboard(stack, 'Switchboard', {
  genesysDomain: 'mypurecloud.com',
  secret: 'switchboard/genesys',
  topics: ['v2.users.{id}.presence', 'v2.users.{id}.routingStatus', 'v2.routing.queues.{id}.conversations'],
  ...overrides(app),
});
