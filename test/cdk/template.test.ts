import { Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SwitchboardProps } from '../../lib/cdk/index.ts';
import { histories } from '../histories.ts';
import { deployment, templateOf, unhashed } from './test-deployment.ts';

type Resources = Record<string, { Type: string }>;

/** Resources that are omitted for an emulator, as documented for `forEmulator`. */
const OMITTED = [
  // Archive and dashboard
  'SwitchboardEventsArchive',
  'SwitchboardDashboard',
  // Container service
  'SwitchboardIngesterCluster',
  'SwitchboardIngesterLogs',
  'SwitchboardIngesterService',
  'SwitchboardIngesterTask',
  'SwitchboardIngesterTaskExecutionRole',
  'SwitchboardIngesterTaskExecutionRoleDefaultPolicy',
  'SwitchboardIngesterTaskTaskRole',
  'SwitchboardIngesterTaskTaskRoleDefaultPolicy',
  // Its alarms
  'SwitchboardAlarmsFramesUnpreserved',
  'SwitchboardAlarmsNoConnection',
  'SwitchboardAlarmsNoLiveStandby',
  'SwitchboardAlarmsReadingPaused',
  'SwitchboardAlarmsRecordsPending',
  'SwitchboardAlarmsSendFailures',
  'SwitchboardAlarmsSilence',
  'SwitchboardAlarmsTooFewHealthyTasks',
  'SwitchboardAlarmsTopicsRejected',
  // Backfill
  'SwitchboardAlarmsBackfillErrors',
  'SwitchboardAlarmsBackfillPermissionsMissing',
  'SwitchboardAlarmsBackfillRoundsFailed',
  'SwitchboardAlarmsGapSeconds',
  'SwitchboardAlarmsGapsDeadLetterNotEmpty',
  'SwitchboardAlarmsOldestOpenGap',
  'SwitchboardBackfillEventSource',
  'SwitchboardBackfillFunction',
  'SwitchboardBackfillLogs',
  'SwitchboardBackfillRole',
  'SwitchboardBackfillRoleDefaultPolicy',
  'SwitchboardBackfillSweep',
  'SwitchboardBackfillSweepAllowEventRuleTestSwitchboardBackfillFunction5D558BB4EE61925F',
  'SwitchboardQueuesGaps',
  'SwitchboardQueuesGapsDeadLetter',
  'SwitchboardQueuesGapsDeadLetterPolicy',
  'SwitchboardQueuesGapsPolicy',
];

/** Asset hashes change with every change to the deployables, so they are excluded from the snapshot. */
function withoutAssetHashes(template: object): object {
  return JSON.parse(JSON.stringify(template).replace(/[0-9a-f]{64}/g, '<asset>'));
}

test('The template with the defaults matches the reviewed snapshot', () => {
  const { Resources, Outputs } = templateOf().toJSON();
  expect(withoutAssetHashes({ Resources, Outputs })).toMatchSnapshot();
});

describe('Template validation by the CDK', () => {
  const configurations: [string, (stack: Stack) => Partial<SwitchboardProps>][] = [
    ['with the defaults', () => ({})],
    ['for an emulator', () => ({ forEmulator: true })],
    [
      'with every option',
      (stack) => ({
        encryptionKey: new Key(stack, 'Key'),
        archiveDays: 30,
        tasks: 2,
        logLevel: 'DEBUG',
        alarmTopic: new Topic(stack, 'OnCall'),
        webhook: {},
        partnerEventSource: 'aws.partner/genesys.com/cloud/org/main',
        partnerTopics: ['v2.users.{id}.presence'],
      }),
    ],
  ];

  test.each(configurations.slice(-histories(1, 3)))(
    'The template %s and a rule in a second stack passes the validation',
    (_, props) => {
      using made = deployment(props, { checks: true });
      made.switchboard.on(new Stack(made.app, 'Team'), 'Everything', {});
      expect(() => made.app.synth()).not.toThrow();
    },
  );
});

describe('Deployment for an emulator', () => {
  let whole: Resources;
  let emulated: Resources;
  let outputs: { whole: string[]; emulated: string[] };
  beforeAll(() => {
    const props = { archiveDays: 7 };
    const onAws = templateOf(() => props);
    const onEmulator = templateOf(() => ({ ...props, forEmulator: true }));
    whole = onAws.toJSON().Resources;
    emulated = onEmulator.toJSON().Resources;
    outputs = {
      whole: Object.keys(onAws.findOutputs('*')),
      emulated: Object.keys(onEmulator.findOutputs('*')),
    };
  });

  test('The template for an emulator omits exactly archive, dashboard, ECS service, network and service alarms', () => {
    const missing = Object.keys(whole)
      .filter((id) => !(id in emulated))
      .map((id) => unhashed(id));
    const network = missing.filter((id) => id.startsWith('SwitchboardNetwork'));
    expect(network.length).toBeGreaterThan(0);
    expect(missing.filter((id) => !network.includes(id)).sort()).toEqual(OMITTED.toSorted());
  });

  test('The template for an emulator adds no resources and does not change the other resources', () => {
    // The lifetime of oversize events depends on the archive, but 7 days is below the minimum lifetime.
    for (const [id, resource] of Object.entries(emulated)) expect(resource, id).toEqual(whole[id]);
  });

  test('The template for an emulator omits only the output with the dashboard URL', () => {
    expect(outputs.whole.filter((name) => !outputs.emulated.includes(name))).toEqual([
      'SwitchboardDashboardUrl',
    ]);
  });
});
