import { AwsError } from '../emulated-service.ts';

/** An event pattern that EventBridge refuses; the message gives the reason and the path of the fault. */
export class InvalidEventPatternError extends AwsError {
  /**
   * @param reason what is wrong, and what is allowed instead.
   * @param path where it is, dotted, such as `detail.state`; empty for the pattern as a whole.
   */
  constructor(reason: string, path = '') {
    const where = path === '' ? '' : ` (at ${path})`;
    super('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}${where}`);
    this.name = 'InvalidEventPatternError';
  }
}
