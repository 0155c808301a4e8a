import { AssertionError } from 'node:assert';
import { expect, inject, test } from 'vitest';
import { DIFFERENCES } from './differences.ts';

/**
 * One behaviour of AWS that Switchboard relies on. Where the endpoint is known to differ, the check must fail: on what
 * it expects or with an error of the service, not for want of a connection.
 * @param id unique; `differences.ts` names it.
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
    expect(outcome, `${kind} does as AWS now: take ${id} out of differences.ts`).toBe('differs');
  });
}

function isAssertion(error: unknown): boolean {
  return error instanceof AssertionError || (error instanceof Error && error.name === 'AssertionError');
}

/** The SDK marks what a service answered with `$fault`. */
function isServiceError(error: unknown): boolean {
  return error instanceof Error && '$fault' in error;
}
