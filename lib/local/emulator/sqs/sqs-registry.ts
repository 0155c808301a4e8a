import { checkQueueName, type QueueAttributes, toSettings } from './sqs-attributes.ts';
import { missingParameter, sqsError } from './sqs-errors.ts';
import { Queue } from './sqs-queue.ts';
import type { ReceiveFaults } from './sqs-queue-types.ts';

/** The emulator's own limit; AWS has none. */
const MAX_QUEUES = 1_000;

/** A queue with the data for its description. */
export interface QueueEntry {
  readonly queue: Queue;
  readonly createdAtMs: number;
  attributes: QueueAttributes;
  changedAtMs: number;
}

export interface RegistryOptions {
  readonly region: string;
  readonly accountId: string;
  readonly faults?: ReceiveFaults;
}

/** All queues by name. */
export class QueueRegistry {
  private readonly entries = new Map<string, QueueEntry>();
  private readonly options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.options = options;
  }

  /** The queue of this name. @throws QueueDoesNotExist */
  entry(name: string): QueueEntry {
    const entry = this.entries.get(name);
    if (entry === undefined)
      throw sqsError(
        'QueueDoesNotExist',
        `The specified queue does not exist: ${name || '(no name given)'}.`,
      );
    return entry;
  }

  /** The queue of a `QueueUrl`. Only the last part of the path matters. */
  byUrl(url: string | undefined): QueueEntry {
    if (url === undefined || url === '') throw missingParameter('QueueUrl');
    return this.entry(url.slice(url.lastIndexOf('/') + 1));
  }

  /** The queue of an ARN, or undefined. */
  byArn(arn: string): Queue | undefined {
    const name = arn.slice(arn.lastIndexOf(':') + 1);
    const queue = this.entries.get(name)?.queue;
    return queue?.arn === arn ? queue : undefined;
  }

  /** Creates a queue, or returns the one with the same name and attributes. */
  create(name: string, attributes: QueueAttributes): QueueEntry {
    checkQueueName(name, attributes);
    const settings = toSettings(attributes, (arn) => this.byArn(arn));
    const existing = this.entries.get(name);
    if (existing) {
      const other = Object.keys(attributes).find((key) => existing.attributes[key] !== attributes[key]);
      if (other === undefined) return existing;
      throw sqsError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${other}`,
      );
    }
    if (this.entries.size >= MAX_QUEUES)
      throw sqsError('OverLimit', `The emulator keeps at most ${MAX_QUEUES} queues; delete some.`);
    const { region, accountId, faults } = this.options;
    const queue = new Queue({
      name,
      arn: `arn:aws:sqs:${region}:${accountId}:${name}`,
      settings,
      resolve: (arn) => this.byArn(arn),
      // A FIFO queue delivers in order, and not twice within the visibility timeout.
      ...(faults && settings.fifo === undefined && { faults }),
    });
    const nowMs = Date.now();
    const entry: QueueEntry = { queue, createdAtMs: nowMs, attributes, changedAtMs: nowMs };
    this.entries.set(name, entry);
    return entry;
  }

  /** Changes some attributes. An empty value removes an attribute. */
  configure(entry: QueueEntry, changes: QueueAttributes): void {
    const merged = Object.entries({ ...entry.attributes, ...changes }).filter(([, value]) => value !== '');
    const attributes = Object.fromEntries(merged);
    if (attributes.FifoQueue !== entry.attributes.FifoQueue)
      throw sqsError(
        'InvalidAttributeValue',
        'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.',
      );
    entry.queue.settings = toSettings(attributes, (arn) => this.byArn(arn));
    entry.attributes = attributes;
    entry.changedAtMs = Date.now();
  }

  delete(entry: QueueEntry): void {
    this.entries.delete(entry.queue.name);
    entry.queue.close();
  }

  /** In the order of creation. */
  list(): QueueEntry[] {
    return [...this.entries.values()];
  }

  close(): void {
    for (const { queue } of this.entries.values()) queue.close();
  }
}
