/** The properties of {@link Switchboard} are invalid. The message lists all problems. */
export class SwitchboardConfigurationError extends Error {
  readonly code = 'invalid_configuration';
  readonly retriable = false;
  /** One message per invalid property. */
  declare readonly problems: readonly string[];

  /** @param caller - function to omit from the stack trace, so that it starts at the line of the user's code */
  constructor(problems: readonly string[], caller?: object) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    super(`The configuration of Switchboard has ${problems.length} problem(s):\n${list}`);
    this.name = 'SwitchboardConfigurationError';
    // Not enumerable, because Node.js would print the problems again after the message.
    Object.defineProperty(this, 'problems', { value: problems });
    if (caller) Error.captureStackTrace(this, caller as () => void);
  }
}
