/** Machine-readable reason of a {@link GapsError}. */
export type GapsProblem = 'no_records';

/** The gaps could not be listed. The message contains the remedy. */
export class GapsError extends Error {
  readonly code: GapsProblem;

  constructor(code: GapsProblem, message: string) {
    super(message);
    this.name = 'GapsError';
    this.code = code;
  }
}
