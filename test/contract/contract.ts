import { AssertionError } from 'node:assert';
import { expect, inject, test } from 'vitest';
import { DIFFERENCES } from './differences.ts';

/**
 * One behavior of AWS that Switchboard relies on. For an endpoint that is known to differ, the check must fail, with an
 * assertion or an error of the service, not with a connection error.
 * @param id unique; `differences.ts` refers to it.
 */
export function contract(id: string, title: string, check: () => Promise<void>): void {
  const { kind } = inject('endpoint');
  const difference = DIFFERENCES.find((known) => known.endpoint === kind && known.id === id);
  if (difference === undefined) {
    test(`${id}: ${title}`, check);
    return;
  }
  test(`${id}: ${title} [${kind} differs: ${difference.reason}]`, async () => {
    const outcome = await check().then(
      () => 'as AWS',
      (error: unknown) => {
        if (isAssertion(error) || isServiceError(error)) return 'differs';
        throw error;
      },
    );
    expect(outcome, `${kind} behaves like AWS now: remove ${id} from differences.ts`).toBe('differs');
  });
}

function isAssertion(error: unknown): boolean {
  return error instanceof AssertionError || (error instanceof Error && error.name === 'AssertionError');
}

/** The SDK marks the errors of a service with `$fault`. */
function isServiceError(error: unknown): boolean {
  return error instanceof Error && '$fault' in error;
}
