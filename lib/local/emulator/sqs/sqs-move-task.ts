import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../emulated-service.ts';
import { sqsError } from './sqs-errors.ts';
import type { Queue } from './sqs-queue.ts';
import type { StoredMessage } from './sqs-queue-types.ts';

/** How often a task with a rate limit moves messages, in ms. */
const MOVE_INTERVAL_MS = 1_000;
/** Tasks remembered per queue. ListMessageMoveTasks shows at most ten. */
const MAX_REMEMBERED_TASKS = 10;

/** Finds the destination of a message if the task has none. */
type FindQueue = (arn: string) => Queue | undefined;

/** The request of StartMessageMoveTask. */
export interface MoveRequest {
  readonly source: Queue;
  /** If absent, each message returns to the queue it came from. */
  readonly destination?: Queue;
  readonly maxMessagesPerSecond?: number;
}

/** A message move task. Moved messages are new messages, with new ids, send times and receive counts. */
export class MoveTask {
  readonly handle = Buffer.from(randomUUID()).toString('base64');
  readonly sourceArn: string;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED' = 'RUNNING';
  moved = 0;
  private readonly request: MoveRequest;
  private readonly findQueue: FindQueue;
  private readonly startedAtMs = Date.now();
  private readonly toMove: number;
  private failure: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(request: MoveRequest, findQueue: FindQueue) {
    this.request = request;
    this.findQueue = findQueue;
    this.sourceArn = request.source.arn;
    this.toMove = request.source.counts().visible;
  }

  /** Moves all messages at once, or one second's share if there is a rate limit. */
  run(): void {
    const left = this.toMove - this.moved;
    const drained = this.request.source.drain(Math.min(left, this.request.maxMessagesPerSecond ?? left));
    for (const [index, message] of drained.entries()) {
      const failure = this.move(message);
      if (failure === undefined) continue;
      for (const unmoved of drained.slice(index)) this.request.source.adopt(unmoved);
      this.failure = failure;
      this.status = 'FAILED';
      return;
    }
    if (drained.length === 0 || this.moved >= this.toMove) this.status = 'COMPLETED';
    else this.timer = setTimeout(() => this.run(), MOVE_INTERVAL_MS);
  }

  cancel(): void {
    clearTimeout(this.timer);
    if (this.status === 'RUNNING') this.status = 'CANCELLED';
  }

  /** The element of ListMessageMoveTasks. */
  describe(): JsonObject {
    const { destination, maxMessagesPerSecond } = this.request;
    return {
      ...(this.status === 'RUNNING' && { TaskHandle: this.handle }),
      Status: this.status,
      SourceArn: this.sourceArn,
      ...(destination && { DestinationArn: destination.arn }),
      ...(maxMessagesPerSecond !== undefined && { MaxNumberOfMessagesPerSecond: maxMessagesPerSecond }),
      ApproximateNumberOfMessagesMoved: this.moved,
      ApproximateNumberOfMessagesToMove: this.toMove,
      ...(this.failure !== undefined && { FailureReason: this.failure }),
      StartedTimestamp: this.startedAtMs,
    };
  }

  /** @returns why the message cannot be moved */
  private move(message: StoredMessage): string | undefined {
    const sourceArn = message.deadLetterSourceArn;
    const target =
      this.request.destination ?? (sourceArn === undefined ? undefined : this.findQueue(sourceArn));
    if (target === undefined) return 'CouldNotDetermineMessageSource';
    if (!target.hasRoom(message.bytes)) return 'OverLimit';
    target.send(message, 0);
    this.moved += 1;
    return undefined;
  }
}

/** The move tasks of all queues. */
export class MoveTasks {
  private readonly tasks: MoveTask[] = [];

  start(request: MoveRequest, findQueue: FindQueue): MoveTask {
    const { source } = request;
    if (this.list(source.arn).some((task) => task.status === 'RUNNING'))
      throw sqsError('UnsupportedOperation', `A message move task is already running for ${source.arn}.`);
    const task = new MoveTask(request, findQueue);
    this.tasks.unshift(task);
    const oldest = this.list(source.arn)[MAX_REMEMBERED_TASKS];
    if (oldest) this.tasks.splice(this.tasks.indexOf(oldest), 1);
    task.run();
    return task;
  }

  /** The tasks of one queue, newest first. */
  list(sourceArn: string): MoveTask[] {
    return this.tasks.filter((task) => task.sourceArn === sourceArn);
  }

  cancel(handle: string): MoveTask {
    const task = this.tasks.find(
      (candidate) => candidate.handle === handle && candidate.status === 'RUNNING',
    );
    if (task === undefined)
      throw sqsError('ResourceNotFoundException', 'No running message move task has this TaskHandle.');
    task.cancel();
    return task;
  }

  close(): void {
    for (const task of this.tasks) task.cancel();
  }
}
