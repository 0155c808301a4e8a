/** A parsed JSON object whose members are not checked yet. */
export type JsonObject = { [key: string]: unknown };

/** What an action knows about the call in addition to its input. */
export interface ActionCall {
  /** Aborted when the caller disconnects, so that a long poll does not take messages that no one reads. */
  signal?: AbortSignal;
  /** Scheme and host that the caller used, such as `http://127.0.0.1:4566`; queue URLs start with it. */
  origin?: string;
}

/** An action: takes the parsed input and returns the output (`undefined` = empty body). */
export type Action = (
  input: JsonObject,
  call?: ActionCall,
) => Promise<JsonObject | undefined> | JsonObject | undefined;

/** One AWS service of the emulator: actions by name. */
export interface EmulatedService {
  /** The part before the dot in `X-Amz-Target`, such as `AmazonSQS` or `DynamoDB_20120810`. */
  readonly targetPrefix: string;
  /** `application/x-amz-json-1.0` or `application/x-amz-json-1.1`. */
  readonly contentType: string;
  readonly actions: Readonly<Record<string, Action>>;
}

/** Details of an {@link AwsError}. */
export interface AwsErrorOptions {
  /** HTTP status: 400 (the default) for client errors, 500 and above for service errors. */
  status?: number;
  /** Further fields of the body, such as `Item`. */
  extra?: JsonObject;
  /** Value of the `x-amzn-query-error` header (`Code;Sender`), which only SQS has. */
  queryCode?: string;
}

/** An error that AWS returns. Actions throw it; the emulator formats it. */
export class AwsError extends Error {
  /** The wire `__type`, such as `com.amazonaws.sqs#QueueDoesNotExist` or `ResourceNotFoundException`. */
  readonly type: string;
  readonly status: number;
  readonly extra: JsonObject;
  readonly queryCode?: string;

  constructor(type: string, message: string, options: AwsErrorOptions = {}) {
    super(message);
    this.name = 'AwsError';
    this.type = type;
    this.status = options.status ?? 400;
    this.extra = options.extra ?? {};
    if (options.queryCode !== undefined) this.queryCode = options.queryCode;
  }

  /** The type without its namespace, which SDKs show as `error.name`. */
  get code(): string {
    return this.type.slice(this.type.lastIndexOf('#') + 1);
  }
}
