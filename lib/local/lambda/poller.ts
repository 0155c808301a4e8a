import { randomUUID } from 'node:crypto';
import type { Context, SQSRecord } from 'aws-lambda';
import type { Queue } from '../emulator/sqs/sqs-queue.ts';
import { BatchCollector } from './batch-collector.ts';
import { CrashPlan, type PlannedCrash } from './crashes.ts';
import { ExecutionEnvironment } from './environment.ts';
import { failedMessageIds } from './payload.ts';
import { checkOptions, PollerOptionError, type SqsPollerOptions } from './poller-options.ts';

export type { Invocation, SqsPollerOptions } from './poller-options.ts';

/** Default timeout of {@link SqsPoller.idle} in ms. */
const IDLE_TIMEOUT_MS = 3_600_000;

/** The queue did not become idle in time. */
export class PollerIdleTimeoutError extends Error {
  readonly code = 'POLLER_IDLE_TIMEOUT';
  constructor(message: string) {
    super(message);
    this.name = 'PollerIdleTimeoutError';
  }
}

/**
 * Runs a function on the messages of a queue as Lambda's SQS event source does, with ReportBatchItemFailures. It deletes
 * every message that the function does not report. To keep the order of a FIFO queue, the function must also report the
 * later messages of a failed message's group, as in AWS.
 */
export class SqsPoller {
  private readonly options: Required<Omit<SqsPollerOptions, 'random' | 'crash' | 'onCrash' | 'onInvocation'>>;
  private readonly listeners: Pick<SqsPollerOptions, 'onCrash' | 'onInvocation'>;
  private readonly queue: Queue;
  private readonly crashes: CrashPlan;
  private readonly idleEnvironments: ExecutionEnvironment[] = [];
  private readonly running = new Set<Promise<void>>();
  private environments = 0;
  private invocationCount = 0;
  private polling: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  constructor(options: SqsPollerOptions) {
    const defaults = { batchSize: 10, windowMs: 0, maximumConcurrency: 5, memoryLimitMb: 256 };
    this.options = { ...defaults, functionName: `${options.queueName}-function`, ...options };
    this.listeners = options;
    this.queue = options.sqs.queue(options.queueName);
    checkOptions(this.options, this.queue.settings.fifo !== undefined);
    this.crashes = new CrashPlan(options.crash?.rate ?? 0, options.random);
  }

  /**
   * Plans a crash before a call is sent, or after it took effect but before its response arrives. Calls are counted
   * from 1.
   */
  killAt(crash: PlannedCrash): void {
    this.crashes.killAt(crash);
  }

  /** Invocations so far, including running ones. */
  get invocations(): number {
    return this.invocationCount;
  }

  /** Starts receiving. A second call has no effect. */
  start(): void {
    if (this.polling) return;
    const abort = new AbortController();
    this.polling = { abort, done: this.poll(abort.signal) };
  }

  /** Stops receiving and waits for running invocations, which end no later than their timeout. */
  async stop(): Promise<void> {
    const polling = this.polling;
    this.polling = undefined;
    polling?.abort.abort();
    await polling?.done;
    await Promise.all(this.running);
  }

  /** Resolves when the queue has no message in any state, and no invocation runs. */
  async idle(timeoutMs = IDLE_TIMEOUT_MS): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      while (!late.signal.aborted) {
        await this.queue.whenEmpty(late.signal);
        await Promise.all(this.running);
        const { visible, delayed, inFlight } = this.queue.counts();
        if (visible + delayed + inFlight === 0 && this.running.size === 0) return;
        if (this.queue.closed) break;
      }
    } finally {
      clearTimeout(timer);
    }
    throw new PollerIdleTimeoutError(
      `${this.queue.name} is not idle after ${timeoutMs} ms: ${JSON.stringify(this.queue.counts())}, ` +
        `${this.running.size} invocations running. Was the poller started?`,
    );
  }

  private async poll(signal: AbortSignal): Promise<void> {
    const { batchSize, windowMs, maximumConcurrency, sqs } = this.options;
    const collector = new BatchCollector({
      queue: this.queue,
      region: sqs.region,
      batchSize,
      windowMs,
      signal,
    });
    while (!signal.aborted && !this.queue.closed) {
      if (this.running.size >= maximumConcurrency) {
        await Promise.race(this.running);
        continue;
      }
      const records = await this.collect(collector);
      if (records.length === 0) continue;
      const running: Promise<void> = this.invoke(records).finally(() => this.running.delete(running));
      this.running.add(running);
    }
    collector.release();
  }

  private async collect(collector: BatchCollector): Promise<SQSRecord[]> {
    try {
      return await collector.next();
    } catch (error) {
      // A deleted queue ends the loop.
      if (this.queue.closed) return [];
      throw error;
    }
  }

  private async invoke(records: SQSRecord[]): Promise<void> {
    this.invocationCount += 1;
    const number = this.invocationCount;
    const environment = this.idleEnvironments.pop() ?? this.newEnvironment();
    const startedAtMs = Date.now();
    const crashAt = this.crashes.draw(number);
    const outcome = await environment.invoke({
      event: { Records: records },
      context: this.context(startedAtMs, environment.id),
      timeoutMs: this.options.functionTimeoutMs,
      ...(crashAt && { crashAt }),
    });
    if (environment.reusable) this.idleEnvironments.push(environment);
    const { calls } = environment;
    this.crashes.sawCalls(calls.length);
    const ids = new Set(records.map(({ messageId }) => messageId));
    const failed = outcome.kind === 'response' ? failedMessageIds(outcome.value, ids) : ids;
    for (const { messageId, receiptHandle } of records) {
      if (!failed.has(messageId)) this.queue.delete(receiptHandle);
    }
    const durationMs = Date.now() - startedAtMs;
    const report = {
      number,
      environment: environment.id,
      records,
      outcome,
      failedMessageIds: failed,
      durationMs,
      calls,
    };
    if (outcome.kind === 'crash') this.listeners.onCrash?.(report);
    this.listeners.onInvocation?.(report);
  }

  private newEnvironment(): ExecutionEnvironment {
    this.environments += 1;
    return new ExecutionEnvironment(this.environments, this.options.createHandler);
  }

  private context(startedAtMs: number, environment: number): Context {
    const { functionName, functionTimeoutMs, memoryLimitMb, sqs } = this.options;
    const account = this.queue.arn.split(':')[4] ?? '';
    const refuse = () => {
      throw new PollerOptionError(
        'done, fail and succeed do not exist from nodejs24.x on. Return a promise.',
      );
    };
    return {
      callbackWaitsForEmptyEventLoop: true,
      functionName,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:${sqs.region}:${account}:function:${functionName}`,
      memoryLimitInMB: String(memoryLimitMb),
      awsRequestId: randomUUID(),
      logGroupName: `/aws/lambda/${functionName}`,
      logStreamName: `local/[$LATEST]${environment}`,
      getRemainingTimeInMillis: () => Math.max(0, startedAtMs + functionTimeoutMs - Date.now()),
      done: refuse,
      fail: refuse,
      succeed: refuse,
    };
  }
}
