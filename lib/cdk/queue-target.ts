import { Duration } from 'aws-cdk-lib';
import type { IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';

/** EventBridge retries for this long, which is its maximum. */
const RETRY_HOURS = 24;

/**
 * A queue as the target of rules, which {@link allowRules} allows. The CDK target would allow more than sending, and
 * with a KMS key would allow every rule of the account.
 *
 * @param deadLetter - a standard queue for events that EventBridge cannot send
 */
export function queueTarget(queue: Queue, deadLetter: Queue): IRuleTarget {
  return {
    bind: () => ({
      arn: queue.queueArn,
      deadLetterConfig: { arn: deadLetter.queueArn },
      retryPolicy: { maximumEventAgeInSeconds: Duration.hours(RETRY_HOURS).toSeconds() },
    }),
  };
}

/** Allows rules to send to a queue. */
export function allowRules(queue: Queue, rules: readonly Rule[]): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rules.map(({ ruleArn }) => ruleArn) } },
    }),
  );
}
