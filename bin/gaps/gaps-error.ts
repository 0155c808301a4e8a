/** Machine-readable reason of a {@link GapsError}. */
export type GapsProblem =
  | 'no_table_name'
  | 'no_table'
  | 'other_table'
  | 'no_records'
  | 'no_region'
  | 'no_credentials'
  | 'denied'
  | 'unreachable';

/** The gaps could not be listed. The message contains the remedy. */
export class GapsError extends Error {
  readonly code: GapsProblem;

  constructor(code: GapsProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GapsError';
    this.code = code;
  }
}

/** Where to find the name of the table. */
export const TABLE_ADVICE =
  'The stack output SwitchboardStateTableName contains its name: aws cloudformation describe-stacks --query "Stacks[].Outputs[?ends_with(OutputKey, \'StateTableName\')][].OutputValue" --output text';

/**
 * Explains why the state table could not be read.
 *
 * @returns a {@link GapsError} for what the user can change, else the error itself
 */
export function explain(error: unknown, tableName: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  switch (error.name) {
    case 'ResourceNotFoundException':
      return new GapsError(
        'no_table',
        `There is no table ${tableName} in this account and Region. Check --table, AWS_REGION and AWS_PROFILE. ${TABLE_ADVICE}`,
        options,
      );
    case 'ValidationException':
      return new GapsError(
        'other_table',
        `${tableName} is not a state table (${error.message}). ${TABLE_ADVICE}`,
        options,
      );
    case 'AccessDeniedException':
      return new GapsError(
        'denied',
        `The credentials do not allow reading ${tableName}: dynamodb:Query and dynamodb:GetItem are needed, and kms:Decrypt if you use your own key (${error.message}).`,
        options,
      );
    case 'CredentialsProviderError':
    case 'UnrecognizedClientException':
    case 'ExpiredTokenException':
    case 'InvalidSignatureException':
      return new GapsError(
        'no_credentials',
        `AWS credentials are missing or were not accepted (${error.message}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws sso login.`,
        options,
      );
  }
  if (/^Region (is missing|not accepted)/.test(error.message))
    return new GapsError('no_region', `${error.message}. Set AWS_REGION or AWS_PROFILE.`, options);
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND')
    return new GapsError(
      'unreachable',
      `DynamoDB cannot be reached (${code}). Check --endpoint-url, AWS_ENDPOINT_URL and the network.`,
      options,
    );
  return error;
}
