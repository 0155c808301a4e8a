import { type App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { compileEventPattern } from 'switchboard-local/emulator/eventbridge/event-pattern.ts';
import { TOPIC_PERMISSIONS } from 'switchboard-local/simulator/topic-templates.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DETAIL_TYPES, type EventMatch, EventMatchError, eventPattern } from '../../lib/cdk/index.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { policyLines } from './policy-lines.ts';
import { type Deployment, deployment } from './test-deployment.ts';

const QUEUE = '5e0c2a4e-6f0b-4a55-9d3c-0f2c8b1f7a10';
const USER = 'b7f2d6c1-3a4e-4d2b-8c55-1e9a0d7c6f21';
const OTHER = '00000000-0000-4000-8000-000000000000';

describe('Rules in a second stack', () => {
  let made: Deployment;
  let template: Template;
  beforeAll(() => {
    made = deployment(() => ({ eventSource: 'acme.genesys' }));
    const team = new Stack(made.app as App, 'Team');
    made.switchboard.on(
      team,
      'Presence',
      { detailTypes: ['v2.users.{id}.presence'], backfilled: false },
      new SqsQueue(new Queue(team, 'Changes')),
    );
    const reader = new Role(team, 'Reader', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    made.switchboard.grantReadOversize(reader);
    template = Template.fromStack(team);
  });
  afterAll(() => made[Symbol.dispose]());

  test('The rule is attached to the event bus of the first stack and matches the source and the literal {id}', () => {
    const [rule] = Object.values(template.findResources('AWS::Events::Rule'));
    expect(JSON.stringify(rule?.Properties.EventBusName)).toMatch(/Switchboard.*Events?Bus/);
    expect(rule?.Properties).toMatchObject({
      EventPattern: {
        source: ['acme.genesys', { prefix: 'aws.partner/genesys.com' }],
        'detail-type': ['v2.users.{id}.presence'],
        detail: { metadata: { backfilled: [false] } },
      },
      Targets: [{ Arn: { 'Fn::GetAtt': [expect.stringMatching(/^Changes/), 'Arn'] } }],
    });
  });

  test('The grant for oversize events allows s3:GetObject only', () => {
    const lines = policyLines(template).filter((line) => line.startsWith('ReaderDefaultPolicy'));
    expect(lines).toEqual([expect.stringMatching(/^ReaderDefaultPolicy: Allow s3:GetObject on .*\/\*$/)]);
  });
});

describe('Event patterns, evaluated by the emulator', () => {
  function published(topicName: string, eventBody: object = {}, backfilled = false): object {
    return {
      source: 'genesys.cloud',
      'detail-type': detailType(topicName),
      detail: { topicName, eventBody, metadata: { backfilled } },
    };
  }
  function matches(match: EventMatch | undefined, event: object): boolean {
    const { source, detailType: types, detail } = eventPattern('genesys.cloud', match);
    return compileEventPattern(JSON.stringify({ source, 'detail-type': types, detail }))(event);
  }

  test.each([
    ['genesys.cloud', true],
    ['aws.partner/genesys.com/cloud/0a1b/switchboard', true],
    ['aws.partner/example.com/genesys', false],
    ['another', false],
  ])('A match selects events of the source %s: %s', (source, expected) => {
    const event = { ...published(`v2.users.${OTHER}.presence`), source };
    expect(matches({ detailTypes: ['v2.users.{id}.presence'] }, event)).toBe(expected);
  });

  test.each([
    ['of the topics of the queue', published(`v2.routing.queues.${QUEUE}.conversations`)],
    ['of the statistics of the queue', published(`v2.analytics.queues.${QUEUE}.observations`)],
    [
      'whose body contains the queue id',
      published(`v2.detail.events.conversation.${OTHER}.user.start`, { queueId: QUEUE, userId: OTHER }),
    ],
    [
      'with a participant in the queue',
      published(`v2.users.${OTHER}.conversations`, { participants: [{ id: 'c' }, { queueId: QUEUE }] }),
    ],
  ])('A match by queueId selects events %s', (_, event) => {
    expect(matches({ queueId: QUEUE }, event)).toBe(true);
    expect(matches({ queueId: OTHER }, event)).toBe(
      JSON.stringify(event).includes(`"queueId":"${OTHER}"`) ||
        JSON.stringify(event).includes(`queues.${OTHER}`),
    );
    expect(matches({ queueId: USER }, event)).toBe(false);
  });

  test.each([
    ['of the topics of the user', published(`v2.users.${USER}.presence`)],
    [
      'whose body contains the user id',
      published(`v2.detail.events.conversation.${OTHER}.acw`, { userId: USER }),
    ],
    [
      'with the user as a participant',
      published(`v2.routing.queues.${OTHER}.conversations`, { participants: [{ userId: USER }] }),
    ],
  ])('A match by userId selects events %s', (_, event) => {
    expect(matches({ userId: USER }, event)).toBe(true);
    expect(matches({ userId: QUEUE }, event)).toBe(false);
  });

  test('A match by backfilled excludes or selects recovered events, and a match without it selects both', () => {
    const live = published(`v2.users.${USER}.presence`);
    const recovered = published(`v2.users.${USER}.presence`, {}, true);
    expect(matches({ backfilled: false }, live)).toBe(true);
    expect(matches({ backfilled: false }, recovered)).toBe(false);
    expect(matches({ backfilled: true }, live)).toBe(false);
    expect(matches({ backfilled: true }, recovered)).toBe(true);
    expect(matches(undefined, live)).toBe(true);
    expect(matches(undefined, recovered)).toBe(true);
  });

  test('A match selects events that meet all conditions', () => {
    const match: EventMatch = {
      detailTypes: ['v2.routing.queues.{id}.conversations'],
      queueId: QUEUE,
      backfilled: false,
      detail: { eventBody: { mediaType: ['voice'] } },
    };
    const topic = `v2.routing.queues.${QUEUE}.conversations`;
    expect(matches(match, published(topic, { mediaType: 'voice' }))).toBe(true);
    expect(matches(match, published(topic, { mediaType: 'chat' }))).toBe(false);
    expect(matches(match, published(topic, { mediaType: 'voice' }, true))).toBe(false);
    expect(matches(match, published(`v2.routing.queues.${QUEUE}.users`, { mediaType: 'voice' }))).toBe(false);
    expect(matches(match, { ...published(topic, { mediaType: 'voice' }), source: 'other' })).toBe(false);
  });

  test.each<[string, EventMatch]>([
    ['both a queue and a user', { queueId: QUEUE, userId: USER }],
    ['an empty list of event types', { detailTypes: [] }],
    ['a field that is set twice', { backfilled: false, detail: { metadata: { late: [true] } } }],
  ])('A match with %s is rejected', (_, match) => {
    expect(() => eventPattern('genesys.cloud', match)).toThrow(EventMatchError);
  });
});

describe('Suggested detail-types', () => {
  test('The suggested detail-types are distinct and equal the detail-type of their topics', () => {
    expect(new Set(DETAIL_TYPES).size).toBe(DETAIL_TYPES.length);
    for (const type of DETAIL_TYPES) expect(detailType(type.replaceAll('{id}', USER))).toBe(type);
  });

  test('The simulator supports all suggested detail-types', () => {
    expect(DETAIL_TYPES.filter((type) => !(type in TOPIC_PERMISSIONS))).toEqual([]);
  });
});
