import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { AlarmDefinition, AlarmMetrics } from './alarm-definition.ts';
import { backfillMetric, ingesterMetric } from './cloudwatch-metrics.ts';

const FIVE_MINUTES = Duration.minutes(5);
const TOTAL = { period: FIVE_MINUTES, statistic: Stats.SUM };
const HIGHEST = { period: FIVE_MINUTES, statistic: Stats.MAXIMUM };

/** Alarms of gaps and of the backfill. */
export const BACKFILL_ALARMS = {
  GapSeconds: {
    severity: 'warning',
    threshold: 60,
    unit: 'seconds of gaps in five minutes',
    text: 'Gaps ended in the last five minutes. The backfill recovers the events that Genesys Cloud can still return. `switchboard gaps` shows the gaps with their reasons and what was recovered.',
  },
  BackfillErrors: {
    severity: 'warning',
    threshold: 0,
    unit: 'failed invocations in five minutes',
    text: 'Invocations of the backfill end with an error or a timeout. Gaps are not filled until it works again. Check the backfill log.',
  },
  BackfillRoundsFailed: {
    severity: 'warning',
    // They are retried.
    threshold: 5,
    unit: 'failed rounds in five minutes',
    text: 'The backfill repeatedly cannot read from Genesys Cloud or send to SQS. It tries again. Check the backfill log for the error.',
  },
  BackfillPermissionsMissing: {
    severity: 'warning',
    condition: 'any',
    text: 'The OAuth client lacks a permission that the backfill needs, so the events of gaps are not recovered. The backfill log and `switchboard gaps` name it. Add it to a role of the OAuth client. The alarm repeats daily.',
  },
  OldestOpenGap: {
    severity: 'warning',
    // A gap is read for the last time 30 minutes after its end. Reading a long gap takes time.
    threshold: 4 * 3_600,
    unit: 'seconds',
    text: 'A gap has been open for too long. Either the platform API does not respond, or a long gap needs more requests than `backfill.requestsPerMinute` allows. Check the backfill log and `switchboard gaps`.',
  },
  GapsDeadLetterNotEmpty: {
    severity: 'warning',
    condition: 'any',
    text: 'The backfill failed five times on a message of the gaps queue. No gap is lost, because all gaps are in the state table. Check the backfill log, and delete the messages.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Returns the metrics of these alarms. @param scope - a construct of the deployment */
export function backfillMetrics(
  scope: Construct,
  backfill: IFunction,
  gapsDeadLetter: IQueue,
): AlarmMetrics<typeof BACKFILL_ALARMS> {
  return {
    GapSeconds: ingesterMetric(scope, 'GapSeconds', TOTAL),
    BackfillErrors: backfill.metricErrors(TOTAL),
    BackfillRoundsFailed: backfillMetric(scope, 'RoundsFailed', TOTAL),
    BackfillPermissionsMissing: backfillMetric(scope, 'PermissionsMissing', TOTAL),
    OldestOpenGap: backfillMetric(scope, 'OldestOpenGapAge', HIGHEST),
    GapsDeadLetterNotEmpty: gapsDeadLetter.metricApproximateNumberOfMessagesVisible(HIGHEST),
  };
}
