/** Options of the backfill. */
export interface BackfillOptions {
  /**
   * Requests per minute to the platform API, 1-300. Genesys Cloud allows an OAuth client 300, which the ingester needs too.
   *
   * @default 100
   */
  readonly requestsPerMinute?: number;
}
