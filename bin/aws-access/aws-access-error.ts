/** Machine-readable reason of an {@link AwsAccessError}. */
export type AwsAccessProblem =
  | 'no_table_name'
  | 'no_table'
  | 'other_table'
  | 'no_queue'
  | 'no_region'
  | 'no_credentials'
  | 'denied'
  | 'unreachable';

/** A table or queue could not be used. The message contains the remedy. */
export class AwsAccessError extends Error {
  readonly code: AwsAccessProblem;

  constructor(code: AwsAccessProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AwsAccessError';
    this.code = code;
  }
}

/** Where to find the name of the table. */
export const TABLE_ADVICE =
  'The stack output SwitchboardStateTableName contains its name: aws cloudformation describe-stacks --query "Stacks[].Outputs[?ends_with(OutputKey, \'StateTableName\')][].OutputValue" --output text';

/**
 * The name of the state table.
 *
 * @throws {@link AwsAccessError} if neither is specified
 */
export function stateTableName(flag: string | undefined, defaultTable: string | undefined): string {
  const tableName = flag ?? defaultTable;
  if (tableName) return tableName;
  throw new AwsAccessError('no_table_name', `Specify the state table with --table. ${TABLE_ADVICE}`);
}

/**
 * Explains why the state table could not be used.
 *
 * @param permissions - what the command needs, for example `dynamodb:Query and dynamodb:GetItem`
 * @returns an {@link AwsAccessError} for what the user can change, else the error itself
 */
export function explainTableError(error: unknown, tableName: string, permissions: string): unknown {
  if (!(error instanceof Error)) return error;
  const options = { cause: error };
  switch (error.name) {
    case 'ResourceNotFoundException':
      return new AwsAccessError(
        'no_table',
        `There is no table ${tableName} in this account and Region. Check --table, AWS_REGION and AWS_PROFILE. ${TABLE_ADVICE}`,
        options,
      );
    case 'ValidationException':
      return new AwsAccessError(
        'other_table',
        `${tableName} is not a state table (${error.message}). ${TABLE_ADVICE}`,
        options,
      );
    case 'AccessDeniedException':
      return new AwsAccessError(
        'denied',
        `The credentials do not allow access to ${tableName}. Required permissions: ${permissions}, and kms:Decrypt if you use your own key (${error.message}).`,
        options,
      );
  }
  return explainConnectionError(error);
}

/**
 * Explains why a queue could not be used.
 *
 * @param permissions - what the command needs, for example `sqs:GetQueueAttributes`
 * @returns an {@link AwsAccessError} for what the user can change, else the error itself
 */
export function explainQueueError(error: unknown, queueName: string, permissions: string): unknown {
  if (!(error instanceof Error)) return error;
  const options = { cause: error };
  switch (error.name) {
    case 'QueueDoesNotExist':
    case 'AWS.SimpleQueueService.NonExistentQueue':
    case 'ResourceNotFoundException':
      return new AwsAccessError(
        'no_queue',
        `There is no queue ${queueName} in this account and Region. Check AWS_REGION and AWS_PROFILE.`,
        options,
      );
    case 'AccessDenied':
    case 'AccessDeniedException':
    case 'KmsAccessDenied':
      return new AwsAccessError(
        'denied',
        `The credentials do not allow access to ${queueName}. Required permissions: ${permissions}, and kms:Decrypt and kms:GenerateDataKey if you use your own key (${error.message}).`,
        options,
      );
  }
  return explainConnectionError(error);
}

function explainConnectionError(error: Error): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  switch (error.name) {
    case 'CredentialsProviderError':
    case 'UnrecognizedClientException':
    case 'ExpiredTokenException':
    case 'InvalidSignatureException':
      return new AwsAccessError(
        'no_credentials',
        `AWS credentials are missing or were not accepted (${error.message}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws sso login.`,
        options,
      );
  }
  if (/^Region (is missing|not accepted)/.test(error.message))
    return new AwsAccessError('no_region', `${error.message}. Set AWS_REGION or AWS_PROFILE.`, options);
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND')
    return new AwsAccessError(
      'unreachable',
      `AWS cannot be reached (${code}). Check --endpoint-url, AWS_ENDPOINT_URL and the network.`,
      options,
    );
  return error;
}
