/** Machine-readable reason of a {@link BackfillError}. */
export type BackfillProblem = 'invalid_interval';

/** The backfill could not be started. The message contains the remedy. */
export class BackfillError extends Error {
  readonly code: BackfillProblem;

  constructor(code: BackfillProblem, message: string) {
    super(message);
    this.name = 'BackfillError';
    this.code = code;
  }
}
