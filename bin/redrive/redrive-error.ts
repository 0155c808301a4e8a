/** Machine-readable reason of a {@link RedriveError}. */
export type RedriveProblem =
  | 'no_queue_chosen'
  | 'not_a_dead_letter_queue'
  | 'several_sources'
  | 'other_type'
  | 'already_running'
  | 'lost_sight';

/** Messages could not be moved. The message contains the remedy. */
export class RedriveError extends Error {
  readonly code: RedriveProblem;

  constructor(code: RedriveProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedriveError';
    this.code = code;
  }
}
