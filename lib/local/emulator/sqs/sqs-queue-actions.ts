import { optionalNumber, optionalString, optionalStrings } from '../action-input.ts';
import type { Action, ActionCall, JsonObject } from '../emulated-service.ts';
import { describeAttributes, parseAttributes } from './sqs-attributes.ts';
import { invalidValue, missingParameter, sqsError } from './sqs-errors.ts';
import type { MoveTasks } from './sqs-move-task.ts';
import type { Queue } from './sqs-queue.ts';
import type { QueueRegistry } from './sqs-registry.ts';

/** Limits of message move tasks (SQS quotas). */
const MAX_LISTED_TASKS = 10;
const MAX_MOVES_PER_SECOND = 500;

/** Makes a queue's URL from the scheme and host that the caller used. */
export type QueueUrlOf = (name: string, call?: ActionCall) => string;

/** The actions on queues. PurgeQueue is not limited to one per minute, and a deleted name can be reused at once. */
export function queueActions(registry: QueueRegistry, urlOf: QueueUrlOf): Record<string, Action> {
  const entryOf = (input: JsonObject) => registry.byUrl(optionalString(input, 'QueueUrl'));
  return {
    CreateQueue: (input, call) => {
      const { queue } = registry.create(queueName(input), parseAttributes(input.Attributes));
      return { QueueUrl: urlOf(queue.name, call) };
    },
    DeleteQueue: (input) => void registry.delete(entryOf(input)),
    GetQueueUrl: (input, call) => ({ QueueUrl: urlOf(registry.entry(queueName(input)).queue.name, call) }),
    ListQueues: (input, call) => {
      const prefix = optionalString(input, 'QueueNamePrefix') ?? '';
      const names = registry.list().map(({ queue }) => queue.name);
      const found = names.filter((name) => name.startsWith(prefix));
      return found.length === 0 ? {} : { QueueUrls: found.map((name) => urlOf(name, call)) };
    },
    GetQueueAttributes: (input) => {
      const entry = entryOf(input);
      const names = optionalStrings(input, 'AttributeNames');
      const attributes = describeAttributes(entry.queue, entry.attributes, entry, names);
      return Object.keys(attributes).length === 0 ? {} : { Attributes: attributes };
    },
    SetQueueAttributes: (input) => void registry.configure(entryOf(input), parseAttributes(input.Attributes)),
    ListDeadLetterSourceQueues: (input, call) => {
      const target = entryOf(input).queue;
      const sources = registry.list().filter(({ queue }) => isDeadLetterQueueOf(target, queue));
      return { queueUrls: sources.map(({ queue }) => urlOf(queue.name, call)) };
    },
    PurgeQueue: (input) => void entryOf(input).queue.purge(),
  };
}

/** The actions on message move tasks, which redrive a dead-letter queue. */
export function moveActions(registry: QueueRegistry, tasks: MoveTasks): Record<string, Action> {
  const byArn = (input: JsonObject, name: string): Queue | undefined => {
    const arn = optionalString(input, name);
    if (arn === undefined) return undefined;
    const queue = registry.byArn(arn);
    if (queue === undefined)
      throw sqsError(
        'ResourceNotFoundException',
        `The resource that you specified for ${name} doesn't exist.`,
      );
    return queue;
  };
  const sourceOf = (input: JsonObject): Queue => {
    const source = byArn(input, 'SourceArn');
    if (source === undefined) throw missingParameter('SourceArn');
    return source;
  };
  return {
    StartMessageMoveTask: (input) => {
      const source = sourceOf(input);
      const destination = byArn(input, 'DestinationArn');
      if (destination && (destination.settings.fifo === undefined) !== (source.settings.fifo === undefined))
        throw invalidValue(destination.arn, 'DestinationArn', 'Both queues must be of the same type.');
      const rate = optionalNumber(input, 'MaxNumberOfMessagesPerSecond');
      if (rate !== undefined && (!Number.isInteger(rate) || rate < 1 || rate > MAX_MOVES_PER_SECOND))
        throw invalidValue(
          rate,
          'MaxNumberOfMessagesPerSecond',
          `Must be from 1 to ${MAX_MOVES_PER_SECOND}.`,
        );
      const sources = registry.list().filter(({ queue }) => isDeadLetterQueueOf(source, queue));
      if (sources.length === 0)
        throw invalidValue(
          source.arn,
          'SourceArn',
          'Source queue must be configured as a Dead Letter Queue.',
        );
      const limit = rate === undefined ? {} : { maxMessagesPerSecond: rate };
      const task = tasks.start({ source, ...(destination && { destination }), ...limit }, (arn) =>
        registry.byArn(arn),
      );
      return { TaskHandle: task.handle };
    },
    ListMessageMoveTasks: (input) => {
      const max = Math.min(optionalNumber(input, 'MaxResults') ?? 1, MAX_LISTED_TASKS);
      const found = tasks.list(sourceOf(input).arn).slice(0, max);
      return found.length === 0 ? {} : { Results: found.map((task) => task.describe()) };
    },
    CancelMessageMoveTask: (input) => {
      const handle = optionalString(input, 'TaskHandle');
      if (handle === undefined) throw missingParameter('TaskHandle');
      return { ApproximateNumberOfMessagesMoved: tasks.cancel(handle).moved };
    },
  };
}

function queueName(input: JsonObject): string {
  const name = optionalString(input, 'QueueName');
  if (name === undefined || name === '') throw missingParameter('QueueName');
  return name;
}

function isDeadLetterQueueOf(target: Queue, source: Queue): boolean {
  return source.settings.redrive?.deadLetterTargetArn === target.arn;
}
