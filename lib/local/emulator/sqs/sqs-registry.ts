import { type QueueAttributes, toSettings } from './sqs-attributes.ts';
import { invalidValue, missingParameter, sqsError } from './sqs-errors.ts';
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
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name))
      throw invalidValue(
        name,
        'QueueName',
        'It has 1 to 80 letters, digits, "-" or "_"; FIFO queues are not emulated.',
      );
    const settings = toSettings(attributes, (arn) => this.byArn(arn) !== undefined);
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
    const { region, accountId, ...hooks } = this.options;
    const queue = new Queue({
      name,
      arn: `arn:aws:sqs:${region}:${accountId}:${name}`,
      settings,
      resolve: (arn) => this.byArn(arn),
      ...hooks,
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
    entry.queue.settings = toSettings(attributes, (arn) => this.byArn(arn) !== undefined);
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
