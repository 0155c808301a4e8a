/** Machine-readable reason of a {@link LocalDeploymentError}. */
export type LocalDeploymentProblem =
  | 'no_endpoint'
  | 'endpoint_not_local'
  | 'endpoint_silent'
  | 'genesys_incomplete'
  | 'assembly_unreadable'
  | 'command_failed';

/** The deployment to this machine failed. The message contains the remedy. */
export class LocalDeploymentError extends Error {
  readonly code: LocalDeploymentProblem;

  constructor(code: LocalDeploymentProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalDeploymentError';
    this.code = code;
  }
}
