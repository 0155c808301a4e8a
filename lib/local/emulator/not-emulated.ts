import { AwsError, type JsonObject } from './emulated-service.ts';

/** What a {@link NotEmulatedError} names. */
export interface MissingFeature {
  /** Such as `S3` or `UpdateItem`. */
  readonly where?: string;
  /** What is missing, such as `parameter` or `function`. */
  readonly kind: string;
  readonly name: string;
  /** What can be used instead. */
  readonly supported?: readonly string[];
}

/**
 * The response to a request for something that AWS has but the emulator does not: an operation, a parameter, an
 * expression function and so on. Nothing is read or written.
 */
export class NotEmulatedError extends AwsError {
  /** @param type the wire type. SDKs show it as the error's name. */
  constructor({ where, kind, name, supported }: MissingFeature, type = 'NotEmulatedException') {
    const instead =
      supported === undefined || supported.length === 0 ? '' : ` It supports ${supported.join(', ')}.`;
    const place = where === undefined ? '' : ` in ${where}`;
    super(
      type,
      `The emulator does not support the ${kind} "${name}"${place}.${instead} See lib/local/README.md.`,
    );
    this.name = 'NotEmulatedError';
  }
}

/** @throws NotEmulatedError that names the first member of an object which is not in the list. */
export function refuseOtherMembers(input: JsonObject, supported: readonly string[], where: string): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null || supported.includes(name)) continue;
    throw new NotEmulatedError({ where, kind: 'parameter', name, supported });
  }
}
