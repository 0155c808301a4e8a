import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { FunctionOptions } from './function-options.ts';

/** Options of the webhook. */
export interface WebhookOptions extends FunctionOptions {
  /**
   * Secrets Manager secret that contains the signing secret: at least 32 hexadecimal digits. Specify a name to create one with a generated value, or specify an existing secret. After a rotation, the previous value stays valid.
   *
   * @default - a new secret with a generated value
   */
  readonly secret?: string | ISecret | Secret;

  /**
   * Reserved concurrency of the function, 1-1000. It is taken from the concurrency quota of the account. AWS Lambda accepts up to ten times as many requests per second and rejects further requests with 429; Genesys Cloud sends those again.
   *
   * @default 50
   */
  readonly reservedConcurrentExecutions?: number;
}
