/** Machine-readable reason of a {@link DeliveriesError}. */
export type DeliveriesProblem = 'unknown_destination' | 'not_stopped' | 'no_queues';

/** A destination could not be found, resumed or used. The message contains the remedy. */
export class DeliveriesError extends Error {
  readonly code: DeliveriesProblem;

  constructor(code: DeliveriesProblem, message: string) {
    super(message);
    this.name = 'DeliveriesError';
    this.code = code;
  }
}
