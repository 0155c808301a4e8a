import {
  CancelMessageMoveTaskCommand,
  ListMessageMoveTasksCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { explainQueueError } from '../aws-access/aws-access-error.ts';
import { RedriveError } from './redrive-error.ts';
import { nameOf, type RedriveQueues } from './redrive-queues.ts';

/** How often the progress is read. */
const POLL_INTERVAL_MS = 1_000;
/** Consecutive reads of the progress that may fail. */
const MAX_FAILED_READS = 30;
/** SQS ends a task after 36 hours. */
const MAX_TASK_MS = 37 * 3_600_000;
/** States in which SQS still moves messages. */
const ACTIVE_STATES: ReadonlySet<string> = new Set(['RUNNING', 'CANCELLING']);
const PERMISSIONS =
  'sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks, sqs:CancelMessageMoveTask, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes for it, sqs:SendMessage for the queue that receives the messages';

/** Progress of a task. The counts from SQS are approximate. */
export interface RedriveProgress {
  readonly status: 'running' | 'completed' | 'cancelled' | 'failed';
  readonly moved: number;
  /** Messages that the task had to move when it began. */
  readonly toMove: number | undefined;
  /** Why the task failed. */
  readonly reason: string | undefined;
}

/** An SQS task that moves messages. It continues if this process ends. */
export class RedriveTask {
  private readonly sqs: SQSClient;
  private readonly fromArn: string;
  private readonly handle: string;

  private constructor(sqs: SQSClient, fromArn: string, handle: string) {
    this.sqs = sqs;
    this.fromArn = fromArn;
    this.handle = handle;
  }

  /**
   * Starts a task. It has a destination, because without one SQS moves only messages that it has dead-lettered itself,
   * and the task fails at the first message that a function or EventBridge sent to the dead-letter queue.
   *
   * @param perSecond - messages per second. @default - SQS selects the rate
   * @throws {@link RedriveError} or {@link AwsAccessError} with a remedy
   */
  static async start(
    sqs: SQSClient,
    { fromArn, toArn }: RedriveQueues,
    perSecond?: number,
  ): Promise<RedriveTask> {
    try {
      const { TaskHandle = '' } = await sqs.send(
        new StartMessageMoveTaskCommand({
          SourceArn: fromArn,
          DestinationArn: toArn,
          MaxNumberOfMessagesPerSecond: perSecond,
        }),
      );
      return new RedriveTask(sqs, fromArn, TaskHandle);
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedOperation')
        throw new RedriveError(
          'already_running',
          `${nameOf(fromArn)} cannot be redriven now (${error.message}). Show the tasks of this queue with: aws sqs list-message-move-tasks --max-results 10 --source-arn ${fromArn}`,
          { cause: error },
        );
      throw explainQueueError(error, nameOf(fromArn), PERMISSIONS);
    }
  }

  /**
   * Waits until the task has ended, or cancels it.
   *
   * @param interrupted - cancels the task when it settles
   * @param onProgress - called after each read of the progress
   * @throws {@link RedriveError} if the progress cannot be read, or the task cannot be cancelled
   */
  async end(
    interrupted: Promise<unknown>,
    onProgress: (progress: RedriveProgress) => void,
  ): Promise<RedriveProgress> {
    const until = Date.now() + MAX_TASK_MS;
    let failedReads = 0;
    let isInterrupted = false;
    const interruption = interrupted.then(() => {
      isInterrupted = true;
    });
    while (!isInterrupted && Date.now() < until) {
      try {
        const progress = await this.read();
        failedReads = 0;
        if (progress) onProgress(progress);
        if (progress && progress.status !== 'running') return progress;
      } catch (error) {
        if (!isTransient(error) || ++failedReads > MAX_FAILED_READS) throw this.lostSight(error);
      }
      const { promise: pause, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, POLL_INTERVAL_MS);
      await Promise.race([pause, interruption]);
      clearTimeout(timer);
    }
    if (isInterrupted) return await this.cancel();
    throw this.lostSight(new Error(`it has not ended after ${MAX_TASK_MS / 3_600_000} hours`));
  }

  private async cancel(): Promise<RedriveProgress> {
    try {
      const { ApproximateNumberOfMessagesMoved: moved = 0 } = await this.sqs.send(
        new CancelMessageMoveTaskCommand({ TaskHandle: this.handle }),
      );
      return { status: 'cancelled', moved, toMove: undefined, reason: undefined };
    } catch (error) {
      // A task that has ended in the meantime cannot be cancelled.
      const progress = await this.read().catch(() => undefined);
      if (progress && progress.status !== 'running') return progress;
      throw this.lostSight(error);
    }
  }

  /** The newest task of the queue, which is this one: SQS runs one at a time. Undefined if SQS does not list it yet. */
  private async read(): Promise<RedriveProgress | undefined> {
    const { Results: [task] = [] } = await this.sqs.send(
      new ListMessageMoveTasksCommand({ SourceArn: this.fromArn, MaxResults: 1 }),
    );
    if (!task) return undefined;
    const status = task.Status ?? '';
    return {
      status: ACTIVE_STATES.has(status)
        ? 'running'
        : status === 'COMPLETED'
          ? 'completed'
          : status === 'CANCELLED'
            ? 'cancelled'
            : 'failed',
      moved: task.ApproximateNumberOfMessagesMoved ?? 0,
      toMove: task.ApproximateNumberOfMessagesToMove,
      reason: task.FailureReason,
    };
  }

  private lostSight(cause: unknown): RedriveError {
    return new RedriveError(
      'lost_sight',
      `The task may still move messages, but its state is unknown (${cause instanceof Error ? cause.message : cause}). Show it with: aws sqs list-message-move-tasks --source-arn ${this.fromArn}. Cancel it with: aws sqs cancel-message-move-task --task-handle ${this.handle}`,
      { cause },
    );
  }
}
