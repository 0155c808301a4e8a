/** A parsed JSON object as it came over the wire: nothing about its members is known yet. */
export type JsonObject = { [key: string]: unknown };

/** What an action may know of the call beside its input. */
export interface ActionCall {
  /** Aborted when the caller went away: a long poll ends, so that it takes no messages that nobody reads. */
  signal?: AbortSignal;
  /** Scheme and host that the caller used, such as `http://127.0.0.1:4566`; queue URLs begin with it. */
  origin?: string;
}

/** What one action does: takes the parsed input, returns the output (`undefined` = empty body). */
export type Action = (
  input: JsonObject,
  call?: ActionCall,
) => Promise<JsonObject | undefined> | JsonObject | undefined;

/** One AWS service of the emulator: actions by name. */
export interface EmulatedService {
  /** What stands before the dot in `X-Amz-Target`, such as `AmazonSQS` or `DynamoDB_20120810`. */
  readonly targetPrefix: string;
  /** `application/x-amz-json-1.0` or `application/x-amz-json-1.1`. */
  readonly contentType: string;
  readonly actions: Readonly<Record<string, Action>>;
}

/** What an {@link AwsError} carries beside its type and message. */
export interface AwsErrorOptions {
  /** HTTP status: 400 (the default) blames the client, 500 and above the service. */
  status?: number;
  /** Further fields of the body, such as `Item` or `CancellationReasons`. */
  extra?: JsonObject;
  /** Value of the `x-amzn-query-error` header (`Code;Sender`), where the service has one (SQS). */
  queryCode?: string;
}

/** An error answer as AWS gives it: thrown by an action, written to the wire by the emulator. */
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

  /** The type without its namespace: what the SDK shows as `error.name`. */
  get code(): string {
    return this.type.slice(this.type.lastIndexOf('#') + 1);
  }
}
