/** Times of the delivery, in milliseconds. Simulated runs use shorter ones. */
export interface DeliveryTimes {
  /** Calls within this time decide whether the circuit opens. */
  readonly sampleMs: number;
  /** An open circuit allows a probe after this time. */
  readonly openMs: number;
  /** After the circuit closes, the rate of calls is limited for this time. It begins with one per second … */
  readonly rampMs: number;
  /** … and doubles each time this has passed. */
  readonly rampDoublingMs: number;
  /** Shortest and longest upper bound of the wait before an event is sent again. */
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
  /** Longest wait of a message while its destination may not be called. */
  readonly maxPauseMs: number;
  /** An event is no longer sent when this has passed since it entered the delivery queue. */
  readonly maxAgeMs: number;
}

/** The times that are used in production. */
export const DELIVERY_TIMES: DeliveryTimes = {
  sampleMs: 30_000,
  openMs: 30_000,
  rampMs: 30_000,
  rampDoublingMs: 3_000,
  minRetryMs: 2_000,
  // The longest visibility timeout of SQS.
  maxRetryMs: 43_200_000,
  maxPauseMs: 900_000,
  // Four days.
  maxAgeMs: 345_600_000,
};
