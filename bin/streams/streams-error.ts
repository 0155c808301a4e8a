/** Machine-readable reason of a {@link StreamsError}. */
export type StreamsProblem =
  | 'invalid_definition'
  | 'no_genesys'
  | 'no_secret_id'
  | 'no_secret'
  | 'secret_invalid'
  | 'url_in_use'
  | 'no_stream';

/** A stream could not be created or deleted. The message contains the remedy. */
export class StreamsError extends Error {
  readonly code: StreamsProblem;

  constructor(code: StreamsProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StreamsError';
    this.code = code;
  }
}
