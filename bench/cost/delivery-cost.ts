import { DELIVERY_METRICS } from '../../lib/aws/metric-names.ts';
import { DELIVERY_ALARMS, ORDER_ALARMS } from '../../lib/cdk/delivery-alarms.ts';
import { type BillLine, IDLE_POLLS_PER_MONTH, line, PLATFORM_LOG_BYTES, type Usage } from './model.ts';
import { PRICES } from './prices.ts';
import { AWS_WAIT_SECONDS } from './usage.ts';

const MILLION = 1e6;
const GB = 2 ** 30;
/** Memory of the functions. */
const FUNCTION_GB = 0.5;
/** Time until a destination responds. It is the largest part of the duration, and therefore of the Lambda price. */
export const ANSWER_SECONDS = 0.2;
/** The state of the circuit breaker is read once per invocation. */
const STATE_READS = 1;
/** A mark before each call, and one after it. */
const MARK_WRITES = 2;
/** Events per invocation: one while few events arrive, ten while many wait. */
export const DELIVERY_BATCHES = [1, 10] as const;

/** The price of a million events that are accepted at the first call, without the fixed costs. */
export interface DeliveryCost {
  readonly ordered: boolean;
  readonly eventsPerBatch: number;
  readonly lines: readonly BillLine[];
  readonly perMillionUsd: number;
}

/**
 * Calculates the price of a million events of a delivery.
 *
 * @param usage - a run, whose log bytes per invocation are also those of a delivery
 */
export function deliveryCost(usage: Usage, ordered: boolean, eventsPerBatch: number): DeliveryCost {
  const batches = 1 / eventsPerBatch;
  // EventBridge sends each event on its own. Lambda receives and deletes batches.
  const requests = 1 + 2 * batches;
  const logBytes = usage.logBytes / usage.invocations + PLATFORM_LOG_BYTES;
  const functions = ordered ? 2 : 1;
  // Both marks are written for each event. The order function sends a batch in one call.
  const seconds = ANSWER_SECONDS + AWS_WAIT_SECONDS + (ordered ? AWS_WAIT_SECONDS * batches : 0);
  const lines = [
    line('SQS: send, receive and delete', requests, 'M requests', PRICES.sqsMillionRequests),
    ...(ordered
      ? [line('SQS FIFO: send, receive and delete', 3 * batches, 'M requests', PRICES.sqsFifoMillionRequests)]
      : []),
    line('Lambda: requests', functions * batches, 'M requests', PRICES.lambdaMillionRequests),
    line('Lambda: duration', seconds * FUNCTION_GB * MILLION, 'GB-s', PRICES.lambdaGbSecond),
    line('DynamoDB: writes of marks', MARK_WRITES, 'M units', PRICES.dynamoDbMillionWrites),
    line('DynamoDB: reads of the state', STATE_READS * batches, 'M units', PRICES.dynamoDbMillionReads),
    line(
      'CloudWatch: logs',
      (logBytes + (ordered ? PLATFORM_LOG_BYTES : 0)) * batches * (MILLION / GB),
      'GB',
      PRICES.logsGb,
    ),
  ];
  const perMillionUsd = lines.reduce((total, { usd }) => total + usd, 0);
  return { ordered, eventsPerBatch, lines, perMillionUsd };
}

/** The price of a delivery per month, without events. */
export function deliveryFixedUsd(ordered: boolean): number {
  const alarms = Object.keys(DELIVERY_ALARMS).length + (ordered ? Object.keys(ORDER_ALARMS).length : 0);
  const standardQueues = PRICES.sqsMillionRequests * IDLE_POLLS_PER_MONTH;
  const fifoQueue = ordered ? (PRICES.sqsFifoMillionRequests * IDLE_POLLS_PER_MONTH) / MILLION : 0;
  return (
    Object.keys(DELIVERY_METRICS).length * PRICES.metricMonth +
    alarms * PRICES.alarmMonth +
    PRICES.secretMonth +
    standardQueues / MILLION +
    fifoQueue
  );
}

/** The prices of standard and ordered deliveries. */
export function deliveryCosts(usage: Usage): DeliveryCost[] {
  return [false, true].flatMap((ordered) =>
    DELIVERY_BATCHES.map((eventsPerBatch) => deliveryCost(usage, ordered, eventsPerBatch)),
  );
}
