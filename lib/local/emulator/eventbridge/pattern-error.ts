import { AwsError } from '../emulated-service.ts';

/** An invalid event pattern. The message contains the reason and the path. */
export class InvalidEventPatternError extends AwsError {
  /**
   * @param reason what is wrong, and what is allowed instead.
   * @param path the dotted path of the error, such as `detail.state`; empty for the pattern as a whole.
   */
  constructor(reason: string, path = '') {
    const where = path === '' ? '' : ` (at ${path})`;
    super('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}${where}`);
    this.name = 'InvalidEventPatternError';
  }
}
