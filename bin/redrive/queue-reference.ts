import { InvalidArgumentError } from 'commander';

/** An SQS queue, as the user names it. */
export interface QueueReference {
  readonly account: string;
  readonly name: string;
  /** Absent if the user specified an ARN. */
  readonly url?: string;
  /** Absent if the user specified a URL, which contains no partition. */
  readonly arn?: string;
}

/** @throws InvalidArgumentError for anything but the URL or the ARN of an SQS queue */
export function queueReference(text: string): QueueReference {
  const [, account, name] = /^arn:[a-z-]+:sqs:[a-z0-9-]+:(\d{12}):([\w-]+(?:\.fifo)?)$/.exec(text) ?? [];
  if (account !== undefined && name !== undefined) return { account, name, arn: text };
  const [, owner, ofUrl] =
    (URL.canParse(text) && /^\/(\d{12})\/([\w-]+(?:\.fifo)?)$/.exec(new URL(text).pathname)) || [];
  if (owner !== undefined && ofUrl !== undefined) return { account: owner, name: ofUrl, url: text };
  throw new InvalidArgumentError(
    'Specify the URL or the ARN of a queue, such as https://sqs.eu-central-1.amazonaws.com/123456789012/name.',
  );
}

/** The ARN of a queue that is in the same partition and Region as another. */
export function arnBeside({ arn, account, name }: QueueReference, other: string): string {
  return arn ?? [...other.split(':').slice(0, 4), account, name].join(':');
}

/** Whether both queues are FIFO queues, or both are standard queues. SQS moves messages only between such queues. */
export function sameType(one: string, other: string): boolean {
  return one.endsWith('.fifo') === other.endsWith('.fifo');
}
