import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AlarmRule, AlarmState, CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import { ALARMS } from '../../lib/cdk/alarm-table.ts';
import { checkConfiguration } from '../../lib/cdk/configuration.ts';
import {
  type AlarmId,
  type AlarmOptions,
  SwitchboardConfigurationError,
  type SwitchboardProps,
} from '../../lib/cdk/index.ts';
import { deployment, plain, REQUIRED, templateOf, testApp } from './test-deployment.ts';

const IDS = Object.keys(ALARMS) as AlarmId[];
/** A deployment with every alarm. */
const EVERYTHING: Partial<SwitchboardProps> = {
  webhook: {},
  partnerEventSource: 'aws.partner/genesys.com/cloud/org/main',
  partnerTopics: ['v2.users.{id}.presence'],
  backfill: {},
  audit: { records: 'all' },
};
const NUMBER_OF_TASKS = 3;
/** CloudWatch accepts at most this many characters (API reference of PutMetricAlarm). */
const MAX_DESCRIPTION_CHARACTERS = 1_024;

interface Alarm {
  AlarmName: string;
  AlarmDescription: string;
  AlarmActions?: unknown[];
  OKActions?: unknown[];
  EvaluationPeriods: number;
  Threshold?: number;
}

function alarmsIn(template: Template): ReadonlyMap<string, Alarm> {
  return new Map(
    Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => [
      String(Properties.AlarmName).replace('Test-Switchboard-', ''),
      Properties,
    ]),
  );
}

/** One alarm of a deployment with these options. */
function alarmWith<Id extends AlarmId>(id: Id, options?: AlarmOptions[Id]): Alarm | undefined {
  return alarmsIn(templateOf(() => ({ ...EVERYTHING, alarms: { [id]: options } }))).get(id);
}

function problemsOf(props: Partial<SwitchboardProps>): readonly string[] {
  try {
    checkConfiguration({ ...REQUIRED, ...props });
  } catch (error) {
    if (error instanceof SwitchboardConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('Thresholds', () => {
  test('The alarm and its description have the threshold that the user specifies', () => {
    const alarm = alarmWith('OldestMessageTooOld', { threshold: 600 });
    expect(alarm).toMatchObject({ Threshold: 600, EvaluationPeriods: 1 });
    expect(alarm?.AlarmDescription).toMatch(/ Threshold: more than 600 seconds\.$/);
    expect(alarm?.AlarmDescription).not.toMatch(/\b240\b/);
  });

  test('Without options, the alarm and its description have the default threshold', () => {
    const alarm = alarmWith('OldestMessageTooOld');
    expect(alarm?.Threshold).toBe(240);
    expect(alarm?.AlarmDescription).toMatch(/ Threshold: more than 240 seconds\.$/);
  });

  test('Every alarm with a threshold uses and describes it, and all others stay the same', () => {
    const given = 12_345;
    const alarms = Object.fromEntries(
      Object.entries(ALARMS).flatMap(([id, one]) => ('threshold' in one ? [[id, { threshold: given }]] : [])),
    );
    const before = alarmsIn(templateOf(() => EVERYTHING));
    const after = alarmsIn(templateOf(() => ({ ...EVERYTHING, alarms })));
    expect([...after.keys()].toSorted()).toEqual(IDS.toSorted());
    for (const [id, alarm] of after) {
      if (!(id in alarms)) expect(alarm).toEqual(before.get(id));
      else
        expect([alarm.Threshold, alarm.AlarmDescription]).toEqual([given, expect.stringContaining('12345')]);
    }
  });

  test('A threshold that is known only at deployment is a reference in the alarm and its description', () => {
    const template = templateOf((stack) => ({
      alarms: {
        SendFailures: { threshold: new CfnParameter(stack, 'Limit', { type: 'Number' }).valueAsNumber },
      },
    }));
    const alarm = plain(alarmsIn(template).get('SendFailures')) as Alarm;
    expect(alarm.Threshold).toBe('<Limit>');
    expect(alarm.AlarmDescription).toMatch(/more than <Limit> failures in five minutes\.$/);
  });

  test('No description is longer than CloudWatch accepts', () => {
    const alarms = Object.fromEntries(IDS.map((id) => [id, { evaluationPeriods: 288 }]));
    for (const [id, { AlarmDescription }] of alarmsIn(templateOf(() => ({ ...EVERYTHING, alarms }))))
      expect(AlarmDescription.length, id).toBeLessThanOrEqual(MAX_DESCRIPTION_CHARACTERS);
  });
});

describe('Evaluation periods', () => {
  test('The alarm and its description have the number of periods that the user specifies', () => {
    const alarm = alarmWith('NoConnection', { evaluationPeriods: 3 });
    expect(alarm?.EvaluationPeriods).toBe(3);
    expect(alarm?.AlarmDescription).toMatch(/ Evaluation: 3 consecutive periods of 60 seconds\.$/);
  });

  test('The alarms for unusually few events need three periods by default, and can have another number', () => {
    expect(alarmWith('Silence')?.EvaluationPeriods).toBe(3);
    expect(alarmWith('PartnerSilence')?.EvaluationPeriods).toBe(3);
    expect(alarmWith('Silence', { evaluationPeriods: 1 })).toMatchObject({
      EvaluationPeriods: 1,
      AlarmDescription: expect.not.stringContaining('Evaluation:'),
    });
  });
});

describe('Omitted alarms', () => {
  test.each([0, 1])(
    '`false` omits an alarm, and nothing else (every second alarm from number %i)',
    (first) => {
      const omitted = IDS.filter((_, index) => index % 2 === first);
      const alarms = Object.fromEntries(omitted.map((id) => [id, false]));
      const existing = [...alarmsIn(templateOf(() => ({ ...EVERYTHING, alarms }))).keys()];
      expect(existing.toSorted()).toEqual(IDS.filter((id) => !omitted.includes(id)).toSorted());
    },
  );
});

describe('Notifications', () => {
  const topicsOf = (props: (stack: Stack) => Partial<SwitchboardProps>) =>
    Object.fromEntries(
      [...alarmsIn(templateOf((stack) => ({ ...EVERYTHING, ...props(stack) })))].map(
        ([id, { AlarmActions, OKActions }]) => {
          expect(OKActions).toEqual(AlarmActions);
          return [
            id,
            (plain(AlarmActions ?? []) as string[]).map((topic) => topic.replace(/[0-9A-F]{8}/, '')),
          ];
        },
      ),
    );

  test('Critical alarms notify alarmTopic and warnings notify warningTopic', () => {
    const topics = topicsOf((stack) => ({
      alarmTopic: new Topic(stack, 'OnCall'),
      warningTopic: new Topic(stack, 'Office'),
    }));
    expect(topics).toEqual(
      Object.fromEntries(
        Object.entries(ALARMS).map(([id, { severity }]) => [
          id,
          [severity === 'critical' ? '<OnCall>' : '<Office>'],
        ]),
      ),
    );
  });

  test('Without a warningTopic, warnings notify alarmTopic too', () => {
    const topics = topicsOf((stack) => ({ alarmTopic: new Topic(stack, 'OnCall') }));
    expect(new Set(Object.values(topics).flat())).toEqual(new Set(['<OnCall>']));
  });

  test('A warningTopic without an alarmTopic is a problem', () => {
    using app = testApp();
    const warningTopic = new Topic(new Stack(app, 'Topics'), 'Office');
    expect(problemsOf({ warningTopic })).toEqual([
      'warningTopic is specified without alarmTopic, so critical alarms would notify no one; specify alarmTopic',
    ]);
  });
});

describe('The alarms of a deployment', () => {
  test.each<[string, Partial<SwitchboardProps>]>([
    ['the defaults', {}],
    ['every part', EVERYTHING],
    ['one task', { tasks: 1 }],
    ['no backfill', { backfill: false, tasks: NUMBER_OF_TASKS }],
    ['only a webhook', { topics: [], webhook: {} }],
    [
      'only the native integration',
      { topics: [], partnerEventSource: 'aws.partner/genesys.com/cloud/org/main' },
    ],
    ['only a protocol', { topics: [], protocols: { analyticsEvents: { eventTypes: ['conversation'] } } }],
  ])('With %s, exactly the alarms that exist can be configured', (_, props) => {
    using made = deployment(() => props);
    const existing = Object.keys(made.switchboard.alarms).toSorted();
    expect(existing).toEqual([...alarmsIn(Template.fromStack(made.stack)).keys()].toSorted());
    const accepted = IDS.filter((id) => problemsOf({ ...props, alarms: { [id]: false } }).length === 0);
    expect(accepted.toSorted()).toEqual(existing);
  });

  test('Users can add actions to an alarm and use it in a composite alarm', () => {
    using made = deployment();
    const { NoConnection, DeadLetterNotEmpty, WebhookErrors } = made.switchboard.alarms;
    expect(WebhookErrors).toBeUndefined();
    if (!NoConnection || !DeadLetterNotEmpty) throw new Error('The default deployment has both alarms');
    new CompositeAlarm(made.stack, 'Page', {
      alarmRule: AlarmRule.anyOf(
        AlarmRule.fromAlarm(NoConnection, AlarmState.ALARM),
        AlarmRule.fromAlarm(DeadLetterNotEmpty, AlarmState.ALARM),
      ),
    });
    const [composite] = Object.values(
      Template.fromStack(made.stack).findResources('AWS::CloudWatch::CompositeAlarm'),
    );
    expect(plain(composite?.Properties.AlarmRule)).toMatch(
      /ALARM\("<SwitchboardAlarmsNoConnection\w+\.Arn>"\) OR ALARM\("<SwitchboardAlarmsDeadLetterNotEmpty\w+\.Arn>"\)/,
    );
  });

  test('The alarms that only forEmulator omits can be configured with it', () => {
    const alarms = {
      NoConnection: { evaluationPeriods: 2 },
      OldestOpenGap: { threshold: 1 },
      Silence: false,
    } as const;
    expect(problemsOf({ alarms })).toEqual([]);
    expect(problemsOf({ alarms, forEmulator: true })).toEqual([]);
  });
});

describe('Invalid options', () => {
  test('The configuration error lists every problem with alarms together with other problems', () => {
    // @ts-expect-error: this alarm has no threshold
    const withoutThreshold: AlarmOptions = { NoConnection: { threshold: 2 } };
    // @ts-expect-error: this alarm does not exist
    const unknown: AlarmOptions = { NoConection: false };
    const alarms: AlarmOptions = {
      ...withoutThreshold,
      ...unknown,
      WebhookErrors: { threshold: 1 },
      PartnerSilence: false,
      AuditRecordsLost: false,
      NoLiveStandby: false,
      SendFailures: { threshold: -1, evaluationPeriods: 0 },
      GapSeconds: { threshold: Number.NaN },
      ConsumerErrors: { evaluationPeriods: 289 },
      ConsumerThrottled: { evaluationPeriods: 1.5 },
    };
    expect(problemsOf({ tasks: 1, consumerConcurrency: 1, alarms })).toEqual([
      expect.stringMatching(/^consumerConcurrency is 1/),
      'alarms.NoConnection.threshold is specified, but this alarm has no threshold; remove it',
      expect.stringMatching(
        /^alarms\.NoConection is not an alarm; use one of DeadLetterNotEmpty, .*NoConnection/,
      ),
      'alarms.WebhookErrors is specified, but this deployment has no such alarm; remove it, or specify webhook',
      expect.stringMatching(/^alarms\.PartnerSilence .* specify partnerEventSource$/),
      expect.stringMatching(/^alarms\.AuditRecordsLost .* specify audit$/),
      expect.stringMatching(/^alarms\.NoLiveStandby .* specify at least 2 tasks$/),
      'alarms.SendFailures.threshold is -1, but must be a number that is at least 0',
      expect.stringMatching(
        /^alarms\.SendFailures\.evaluationPeriods is 0, but must be an integer from 1 to 288/,
      ),
      'alarms.GapSeconds.threshold is NaN, but must be a number that is at least 0',
      expect.stringMatching(/^alarms\.ConsumerErrors\.evaluationPeriods is 289/),
      expect.stringMatching(/^alarms\.ConsumerThrottled\.evaluationPeriods is 1\.5/),
    ]);
  });

  test.each([null, true, 600])('The value %j instead of options is a problem', (value) => {
    expect(problemsOf({ alarms: { SendFailures: value } as unknown as AlarmOptions })).toEqual([
      `alarms.SendFailures is ${value}, but must be an object with options, or false`,
    ]);
  });

  test.each(['constructor', 'toString'])('The name %s, which every object has, is not an alarm', (id) => {
    expect(problemsOf({ alarms: { [id]: false } as AlarmOptions })).toEqual([
      expect.stringContaining(`alarms.${id} is not an alarm`),
    ]);
  });
});
