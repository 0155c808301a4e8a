import { Token } from 'aws-cdk-lib';
import { SystemLogLevel } from 'aws-cdk-lib/aws-lambda';
import { MAX_BACKFILL_INVOCATIONS } from './backfill-function.ts';
import type { FunctionOptions } from './function-options.ts';
import { numberProblems } from './number-problems.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** The quota of an account is 1,000 unless it was raised. */
const MAX_RESERVED = 1_000;
/** The size with which the functions were measured (`npm run bench`), and the maximum of AWS Lambda. */
const MEMORY_MB = {
  min: 512,
  max: 10_240,
  why: 'the functions are designed for at least 512 MB, and AWS Lambda offers up to 10240',
};
const SYSTEM_LOG_LEVELS: readonly string[] = Object.values(SystemLogLevel);
/** The levels with which AWS Lambda does not drop lines of level INFO. */
const COMPLETE_LOG_LEVELS: readonly string[] = ['INFO', 'DEBUG'];

/** Checks the options of the Lambda functions. */
export function functionProblems(props: SwitchboardProps, consumerConcurrency: number): string[] {
  const { consumer, webhook, backfill, logLevel } = props;
  const isKnown = Number.isInteger(consumerConcurrency) && !Token.isUnresolved(consumerConcurrency);
  return [
    ...optionProblems('consumer', consumer, logLevel, {
      min: isKnown ? consumerConcurrency : 1,
      why: `consumerConcurrency is ${isKnown ? consumerConcurrency : 'not known yet'}; with less, AWS Lambda throttles messages until they are moved to the dead-letter queue`,
    }),
    ...optionProblems('webhook', webhook, logLevel, {
      min: 1,
      why: 'the default concurrency quota of an account is 1000',
    }),
    ...optionProblems('backfill', backfill || undefined, logLevel, {
      min: MAX_BACKFILL_INVOCATIONS,
      why: 'its queue invokes it up to twice at the same time, and its schedule once',
    }),
  ];
}

function optionProblems(
  name: string,
  { memorySize, reservedConcurrentExecutions, systemLogLevel }: FunctionOptions = {},
  logLevel: SwitchboardProps['logLevel'],
  reserved: { min: number; why: string },
): string[] {
  return [
    ...numberProblems(`${name}.memorySize`, memorySize, MEMORY_MB),
    ...numberProblems(`${name}.reservedConcurrentExecutions`, reservedConcurrentExecutions, {
      ...reserved,
      max: MAX_RESERVED,
    }),
    ...systemLogProblems(`${name}.systemLogLevel`, systemLogLevel, logLevel),
  ];
}

/** Metrics are log lines without a level, which AWS Lambda treats as INFO, and drops if the level is less verbose. */
function systemLogProblems(
  name: string,
  level: FunctionOptions['systemLogLevel'],
  logLevel: SwitchboardProps['logLevel'] = 'INFO',
): string[] {
  if (level === undefined) return [];
  if (!Token.isUnresolved(level) && !SYSTEM_LOG_LEVELS.includes(level))
    return [`${name} is ${level}, but must be one of ${SYSTEM_LOG_LEVELS.join(', ')}`];
  if (Token.isUnresolved(logLevel) || COMPLETE_LOG_LEVELS.includes(logLevel)) return [];
  return [
    `${name} is specified and logLevel is ${logLevel}, with which AWS Lambda would drop the metrics; use the logLevel INFO or DEBUG, or omit ${name}`,
  ];
}
