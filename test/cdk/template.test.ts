import { Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SwitchboardProps } from '../../lib/cdk/index.ts';
import { deployment, templateOf, unhashed } from './test-deployment.ts';

type Resources = Record<string, { Type: string }>;

/** All that an emulator does not get; the TSDoc of `forEmulator` says the same. */
const LEFT_OUT = [
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
  'SwitchboardAlarmsNoConnection',
  'SwitchboardAlarmsSilence',
  'SwitchboardAlarmsTooFewHealthyTasks',
];

/** Hashes of assets change with every line of the deployables; what is deployed around them must not by accident. */
function withoutAssetHashes(template: object): object {
  return JSON.parse(JSON.stringify(template).replace(/[0-9a-f]{64}/g, '<asset>'));
}

test('the template of the defaults is the one that was reviewed', () => {
  const { Resources, Outputs } = templateOf().toJSON();
  expect(withoutAssetHashes({ Resources, Outputs })).toMatchSnapshot();
});

describe("CDK's own checks of a template find nothing: no circle, no unknown property, no bad value", () => {
  test.each<[string, (stack: Stack) => Partial<SwitchboardProps>]>([
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
      }),
    ],
  ])('%s, and a rule in a second stack', (_, props) => {
    using made = deployment(props, { checks: true });
    made.switchboard.on(new Stack(made.app, 'Team'), 'Everything', {});
    expect(() => made.app.synth()).not.toThrow();
  });
});

describe('for an emulator', () => {
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

  test('exactly archive, dashboard, container service, its network and its alarms are left out', () => {
    const missing = Object.keys(whole)
      .filter((id) => !(id in emulated))
      .map((id) => unhashed(id));
    const network = missing.filter((id) => id.startsWith('SwitchboardNetwork'));
    expect(network.length).toBeGreaterThan(0);
    expect(missing.filter((id) => !network.includes(id)).sort()).toEqual(LEFT_OUT.toSorted());
  });

  test('nothing is added, and all else is the same', () => {
    // Without an archive an oversize event need not be kept as long as one, which is below the least anyhow.
    for (const [id, resource] of Object.entries(emulated)) expect(resource, id).toEqual(whole[id]);
  });

  test('the outputs are the same but for the dashboard', () => {
    expect(outputs.whole.filter((name) => !outputs.emulated.includes(name))).toEqual([
      'SwitchboardDashboardUrl',
    ]);
  });
});
