import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Alarms } from './alarms.ts';
import { backfillMetric, ingesterMetric } from './cloudwatch-metrics.ts';

const FIVE_MINUTES = Duration.minutes(5);
const TOTAL = { period: FIVE_MINUTES, statistic: Stats.SUM };
const HIGHEST = { period: FIVE_MINUTES, statistic: Stats.MAXIMUM };
/** A gap is read for the last time 30 minutes after its end. Reading a long gap takes time. */
const MAX_OPEN_GAP_SECONDS = 4 * 3_600;
/** Failed rounds within five minutes that are not unusual. They are repeated. */
const MAX_FAILED_ROUNDS = 5;
/** Length of gaps within five minutes above which something is wrong. */
const MAX_GAP_SECONDS = 60;

/** Adds the alarms of gaps and of the backfill. */
export function addBackfillAlarms(alarms: Alarms, backfill: IFunction, gapsDeadLetter: IQueue): void {
  alarms.above('GapSeconds', ingesterMetric(alarms, 'GapSeconds', TOTAL), MAX_GAP_SECONDS, {
    severity: 'warning',
    text: 'Gaps of more than a minute ended in the last five minutes. The backfill recovers the events that Genesys Cloud can still return. `switchboard gaps` shows the gaps with their reasons and what was recovered.',
  });
  alarms.above('BackfillErrors', backfill.metricErrors(TOTAL), 0, {
    severity: 'warning',
    text: 'Invocations of the backfill end with an error or a timeout. Gaps are not filled until it works again. Check the backfill log.',
  });
  alarms.above('BackfillRoundsFailed', backfillMetric(alarms, 'RoundsFailed', TOTAL), MAX_FAILED_ROUNDS, {
    severity: 'warning',
    text: 'The backfill repeatedly cannot read from Genesys Cloud or send to SQS. It tries again. Check the backfill log for the error.',
  });
  alarms.above('OldestOpenGap', backfillMetric(alarms, 'OldestOpenGapAge', HIGHEST), MAX_OPEN_GAP_SECONDS, {
    severity: 'warning',
    text: 'A gap has been open for more than four hours. Either the platform API does not respond, or a long gap needs more requests than `backfill.requestsPerMinute` allows. Check the backfill log and `switchboard gaps`.',
  });
  alarms.above('BackfillPermissionsMissing', backfillMetric(alarms, 'PermissionsMissing', TOTAL), 0, {
    severity: 'warning',
    text: 'The OAuth client lacks a permission that the backfill needs, so the events of gaps are not recovered. The backfill log and `switchboard gaps` name it. Add it to a role of the OAuth client. The alarm repeats daily.',
  });
  alarms.above(
    'GapsDeadLetterNotEmpty',
    gapsDeadLetter.metricApproximateNumberOfMessagesVisible({
      period: FIVE_MINUTES,
      statistic: Stats.MAXIMUM,
    }),
    0,
    {
      severity: 'warning',
      text: 'The backfill failed five times on a message of the gaps queue. No gap is lost, because all gaps are in the state table. Check the backfill log, and delete the messages.',
    },
  );
}
