import type { Log } from '../../../lib/aws/logger.ts';

/** Topics that Genesys Cloud does not let us have, and why; each is logged once for each reason. */
export class RejectedTopics extends Map<string, string> {
  private readonly log: Log;

  constructor(log: Log) {
    super();
    this.log = log;
  }

  /**
   * Take what an answer said.
   *
   * @param outcomes - of each topic why it was rejected, or undefined where it is permitted
   * @param whole - whether the answer is about all topics there are
   */
  learn(outcomes: ReadonlyMap<string, string | undefined>, whole: boolean): void {
    const known = new Map(this);
    if (whole) this.clear();
    for (const [topic, reason] of outcomes) {
      if (reason === undefined) {
        this.delete(topic);
        continue;
      }
      this.set(topic, reason);
      if (known.get(topic) !== reason)
        this.log.warn('Genesys Cloud rejected a topic; its events will not arrive', { topic, reason });
    }
  }
}
