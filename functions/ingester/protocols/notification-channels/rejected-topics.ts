import type { Log } from '../../../../lib/aws/logger.ts';

/** Topics that Genesys Cloud refuses, and why. Each topic is logged once per reason. */
export class RejectedTopics extends Map<string, string> {
  private readonly log: Log;

  constructor(log: Log) {
    super();
    this.log = log;
  }

  /**
   * Record an answer.
   *
   * @param outcomes - per topic why it was rejected, or undefined if it is permitted
   * @param whole - whether the answer covers all topics of the channel
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
