/**
 * How many histories, seeds or cases a test explores: `few` with `npm test`, `all` with `npm run test:long`, which also
 * runs the test files that import this function.
 */
export function histories(few: number, all: number): number {
  return process.env.HISTORIES === 'all' ? all : few;
}
