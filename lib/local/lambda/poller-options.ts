import type { SQSRecord } from 'aws-lambda';
import type { Sqs } from '../emulator/sqs/sqs.ts';
import type { Random } from '../random.ts';
import type { CallMade, CreateHandler, Outcome } from './environment.ts';

/** Maximum number of messages per batch (Lambda quota). */
const MAX_BATCH_SIZE = 10_000;
/** Maximum batching window in ms (Lambda quota). */
const MAX_WINDOW_MS = 300_000;
/** Batches above this size need a window (Lambda's rule). */
const MAX_BATCH_SIZE_WITHOUT_WINDOW = 10;
/** Minimum window of such batches in ms. */
const MIN_WINDOW_OF_LARGE_BATCHES_MS = 1_000;
/** Maximum number of messages per batch of a FIFO queue, which has no window (Lambda's rule). */
const MAX_FIFO_BATCH_SIZE = 10;
/** Maximum timeout of a function in ms (Lambda quota: 15 min). */
const MAX_FUNCTION_TIMEOUT_MS = 900_000;
/** Maximum number of concurrent invocations (Lambda's limit for MaximumConcurrency). */
const MAX_CONCURRENCY = 1_000;

/** One finished invocation. */
export interface Invocation {
  /** Counted from 1. */
  readonly number: number;
  readonly environment: number;
  readonly records: readonly SQSRecord[];
  readonly outcome: Outcome;
  /** Messages that are redelivered. */
  readonly failedMessageIds: ReadonlySet<string>;
  readonly durationMs: number;
  /** The AWS calls that the handler made through its edge. */
  readonly calls: readonly CallMade[];
}

/** Settings of a `SqsPoller`. */
export interface SqsPollerOptions {
  readonly sqs: Sqs;
  readonly queueName: string;
  /** 10 by default. Above 10, a window of at least 1 s is required. */
  readonly batchSize?: number;
  /** MaximumBatchingWindow, in ms; 0 by default. */
  readonly windowMs?: number;
  /** 5 by default, as Lambda starts. */
  readonly maximumConcurrency?: number;
  readonly functionTimeoutMs: number;
  readonly createHandler: CreateHandler;
  readonly functionName?: string;
  readonly memoryLimitMb?: number;
  /** Source of randomness for crashes. */
  readonly random?: Random;
  /** Probability that an invocation crashes. */
  readonly crash?: { readonly rate: number };
  /** Called with every crashed invocation. */
  readonly onCrash?: (crashed: Invocation) => void;
  readonly onInvocation?: (invocation: Invocation) => void;
}

/** Invalid options of the poller. */
export class PollerOptionError extends Error {
  readonly code = 'POLLER_OPTION';
  constructor(message: string) {
    super(message);
    this.name = 'PollerOptionError';
  }
}

type Checked = Required<
  Pick<SqsPollerOptions, 'batchSize' | 'windowMs' | 'maximumConcurrency' | 'functionTimeoutMs'>
>;

/** @throws PollerOptionError that lists every problem. */
export function checkOptions(
  { batchSize, windowMs, maximumConcurrency, functionTimeoutMs }: Checked,
  isFifo: boolean,
): void {
  const problems: string[] = [];
  const check = (name: string, value: number, min: number, max: number) => {
    if (!Number.isInteger(value) || value < min || value > max)
      problems.push(`${name} must be an integer from ${min} to ${max}, not ${value}`);
  };
  check('batchSize', batchSize, 1, MAX_BATCH_SIZE);
  check('windowMs', windowMs, 0, MAX_WINDOW_MS);
  check('maximumConcurrency', maximumConcurrency, 1, MAX_CONCURRENCY);
  check('functionTimeoutMs', functionTimeoutMs, 1, MAX_FUNCTION_TIMEOUT_MS);
  if (isFifo && (batchSize > MAX_FIFO_BATCH_SIZE || windowMs > 0))
    problems.push(`a FIFO queue allows a batchSize of at most ${MAX_FIFO_BATCH_SIZE} and no windowMs`);
  else if (batchSize > MAX_BATCH_SIZE_WITHOUT_WINDOW && windowMs < MIN_WINDOW_OF_LARGE_BATCHES_MS)
    problems.push(
      `a batchSize above ${MAX_BATCH_SIZE_WITHOUT_WINDOW} requires a windowMs of at least ${MIN_WINDOW_OF_LARGE_BATCHES_MS}`,
    );
  if (problems.length > 0) throw new PollerOptionError(`${problems.join('; ')}.`);
}
