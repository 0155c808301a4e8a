import type { Action, ActionCall, EmulatedService } from '../emulated-service.ts';
import type { QueueAttributes } from './sqs-attributes.ts';
import { sqsError } from './sqs-errors.ts';
import { messageActions } from './sqs-message-actions.ts';
import { MoveTasks } from './sqs-move-task.ts';
import type { Queue } from './sqs-queue.ts';
import { moveActions, queueActions } from './sqs-queue-actions.ts';
import { QueueRegistry, type RegistryOptions } from './sqs-registry.ts';

/** SQS: standard and FIFO queues in memory. Programs in the same process can also call it directly. */
export class Sqs implements EmulatedService {
  readonly targetPrefix = 'AmazonSQS';
  readonly contentType = 'application/x-amz-json-1.0';
  readonly actions: Readonly<Record<string, Action>>;
  /** Scheme and host of queue URLs if those of the caller are unknown. */
  defaultOrigin: string;
  readonly region: string;
  private readonly accountId: string;
  private readonly registry: QueueRegistry;
  private readonly tasks = new MoveTasks();

  constructor(options: RegistryOptions) {
    this.region = options.region;
    this.accountId = options.accountId;
    this.registry = new QueueRegistry(options);
    this.defaultOrigin = `https://sqs.${options.region}.amazonaws.com`;
    this.actions = {
      ...queueActions(this.registry, (name, call) => this.queueUrl(name, call)),
      ...messageActions(this.registry),
      ...moveActions(this.registry, this.tasks),
    };
  }

  /** The queue of this name; throws QueueDoesNotExist. */
  queue(name: string): Queue {
    return this.registry.entry(name).queue;
  }

  /** Creates a queue with attributes by their wire names, such as `{ VisibilityTimeout: '30' }`. */
  createQueue(name: string, attributes: QueueAttributes = {}): Queue {
    return this.registry.create(name, attributes).queue;
  }

  /** All queues in the order of creation. */
  queues(): Queue[] {
    return this.registry.list().map(({ queue }) => queue);
  }

  /** The URL by which clients identify a queue. */
  queueUrl(name: string, call: ActionCall = {}): string {
    return `${call.origin ?? this.defaultOrigin}/${this.accountId}/${name}`;
  }

  /** Puts a message on the queue of an ARN, as an EventBridge rule does; throws QueueDoesNotExist. */
  deliver(queueArn: string, body: string): void {
    const queue = this.registry.byArn(queueArn);
    if (queue === undefined) throw sqsError('QueueDoesNotExist', `No queue has the ARN ${queueArn}.`);
    queue.send({ body });
  }

  /** Ends long polls and move tasks. */
  close(): void {
    this.tasks.close();
    this.registry.close();
  }
}
