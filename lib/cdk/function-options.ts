import type { SystemLogLevel } from 'aws-cdk-lib/aws-lambda';

/** Options of an AWS Lambda function. */
export interface FunctionOptions {
  /**
   * Memory of the function in MB, 512-10240. CPU is allocated in proportion to it.
   *
   * @default 512
   */
  readonly memorySize?: number;

  /**
   * Reserved concurrency of the function, at most 1000. It is taken from the concurrency quota of the account. The consumer needs at least `consumerConcurrency`, and the backfill at least 3.
   *
   * @default - the unreserved concurrency of the account
   */
  readonly reservedConcurrentExecutions?: number;

  /**
   * Level of the system log, which contains a line for the start, the end and the duration of each invocation. `SystemLogLevel.WARN` omits them, and they are no longer billed. With this property, the log format of the function is JSON, and `logLevel` must be `INFO` or `DEBUG`.
   *
   * @default - the complete system log, as text
   */
  readonly systemLogLevel?: SystemLogLevel;
}
