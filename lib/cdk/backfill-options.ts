import type { FunctionOptions } from './function-options.ts';

/** Options of the backfill. */
export interface BackfillOptions extends FunctionOptions {
  /**
   * Requests per minute to the platform API, 1-300. Genesys Cloud allows 300 per OAuth client, which are shared with the ingester.
   *
   * @default 100
   */
  readonly requestsPerMinute?: number;
}
