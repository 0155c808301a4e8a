/** The share of the topics of a deployment. */
export interface ShardOptions {
  /** Number of this deployment, 0 to `count` - 1. */
  readonly index: number;
  /** Number of deployments that divide the topics among themselves, 1-100. */
  readonly count: number;
}
