/** The configuration reference cannot be generated. The message names the setting and the remedy. */
export class ConfigurationReferenceError extends Error {
  readonly code = 'invalid_reference';
  readonly retriable = false;

  constructor(message: string) {
    super(message);
    this.name = 'ConfigurationReferenceError';
  }
}
