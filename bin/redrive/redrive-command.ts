import { Command, Option } from 'commander';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { redact } from '../../lib/events/redaction.ts';
import { withStates } from '../deliveries/deliveries-command.ts';
import { DeliveriesError } from '../deliveries/deliveries-error.ts';
import { url } from '../gaps/time-flags.ts';
import { number } from '../local/flag-values.ts';
import { INTERRUPTED, onInterruption } from '../local/interruption.ts';
import { type QueueReference, queueReference } from './queue-reference.ts';
import { RedriveError } from './redrive-error.ts';
import { nameOf, type RedriveQueues, redriveQueues } from './redrive-queues.ts';
import { type RedriveProgress, RedriveTask } from './redrive-task.ts';

/** The maximum that SQS accepts. */
const MAX_PER_SECOND = 500;
/** Time between two lines of progress. */
const PROGRESS_INTERVAL_MS = 5_000;

interface RedriveFlags {
  destination?: string;
  queue?: QueueReference;
  to?: QueueReference;
  rate?: number;
  dryRun: boolean;
  table?: string;
  endpointUrl?: string;
}

/** The command `switchboard redrive`. */
export function redriveCommand(print: (text: string) => Promise<void>): Command {
  return new Command('redrive')
    .description(
      'Move the messages of a dead-letter queue back to the queue they came from, after you fix the cause. Ctrl-C cancels; the messages that were not moved stay in the dead-letter queue. The exit code is 1 if the move failed, and 130 if it was cancelled. The permissions are those of grantRedrive. Credentials and Region are those of the AWS SDK, for example AWS_PROFILE and AWS_REGION.',
    )
    .addOption(
      new Option(
        '--destination <name>',
        'move the dead letters of this destination, from switchboard deliveries; also needs dynamodb:Query for the state table',
      ).conflicts(['queue', 'to']),
    )
    .option(
      '--queue <url-or-arn>',
      'move the messages of this dead-letter queue, for example from the stack output SwitchboardDeadLetterQueueUrl',
      queueReference,
    )
    .option(
      '--to <url-or-arn>',
      'queue that receives the messages (default: the only queue that has this dead-letter queue)',
      queueReference,
    )
    .option('--rate <n>', 'messages per second (default: SQS selects the rate)', number(1, MAX_PER_SECOND))
    .option('--dry-run', 'count the messages without moving them', false)
    .option(
      '--table <name>',
      'with --destination, name of the state table, from the stack output SwitchboardStateTableName (default: $STATE_TABLE)',
    )
    .option('--endpoint-url <url>', 'base URL of an AWS emulator (default: $AWS_ENDPOINT_URL, else AWS)', url)
    .action(async (flags: RedriveFlags) => await redrive(flags, print));
}

/** @throws {@link RedriveError}, {@link DeliveriesError} or {@link AwsAccessError} with a remedy */
async function redrive(flags: RedriveFlags, print: (text: string) => Promise<void>): Promise<void> {
  const { from, to } = await chosenQueues(flags);
  const sqs = sqsClient(flags.endpointUrl === undefined ? {} : { endpoint: flags.endpointUrl });
  try {
    const queues = await redriveQueues(sqs, from, to);
    if (flags.dryRun) return await print(planText(queues));
    // Before the task starts, so that an interruption never leaves a task behind that runs unattended.
    const { signaled } = onInterruption(() =>
      report('Cancelling. Messages that were already moved are not moved back.'),
    );
    const task = await RedriveTask.start(sqs, queues, flags.rate);
    const result = await task.end(signaled, progressLines());
    await print(resultText(result, queues));
    process.exitCode = { completed: 0, running: 1, failed: 1, cancelled: INTERRUPTED }[result.status];
  } finally {
    sqs.destroy();
  }
}

async function chosenQueues(
  flags: RedriveFlags,
): Promise<{ from: QueueReference; to: QueueReference | undefined }> {
  const { destination: name, queue, to } = flags;
  if (queue) return { from: queue, to };
  if (name === undefined)
    throw new RedriveError(
      'no_queue_chosen',
      'Specify --destination or --queue. switchboard deliveries lists the destinations. The stack output SwitchboardDeadLetterQueueUrl contains the URL of the dead-letter queue of the events.',
    );
  const { state, queueUrl, deadLetterQueueUrl } = await withStates(flags, 'dynamodb:Query', (states) =>
    states.named(name),
  );
  if (queueUrl === undefined || deadLetterQueueUrl === undefined)
    throw new DeliveriesError(
      'no_queues',
      `The queues of ${name} are not in the state table. Specify them with --queue and --to.`,
    );
  if (state === 'stopped')
    report(`${name} is stopped. Its messages wait until you run: switchboard deliveries resume ${name}`);
  return { from: queueReference(deadLetterQueueUrl), to: queueReference(queueUrl) };
}

function planText({ fromArn, toArn, messages, inFlight }: RedriveQueues): string {
  const others = inFlight === 0 ? '' : `In flight, so not moved now: ${count(inFlight)}.\n`;
  return `About ${count(messages)} would be moved from ${nameOf(fromArn)} to ${nameOf(toArn)}.\n${others}Nothing was moved.\n`;
}

/** Reports the progress on standard error, at first and then regularly. */
function progressLines(): (progress: RedriveProgress) => void {
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  return ({ status, moved, toMove }) => {
    if (status !== 'running' || performance.now() - reportedAtMs < PROGRESS_INTERVAL_MS) return;
    reportedAtMs = performance.now();
    report(toMove === undefined ? `${count(moved)} moved` : `${moved} of ${count(toMove)} moved`);
  };
}

function resultText({ status, moved, reason }: RedriveProgress, { fromArn, toArn }: RedriveQueues): string {
  const done = `${count(moved)} moved from ${nameOf(fromArn)} to ${nameOf(toArn)}.`;
  if (status === 'completed') return `${done}\n`;
  if (status === 'cancelled') return `Cancelled. ${done} The others stay in ${nameOf(fromArn)}.\n`;
  return `Failed${reason === undefined ? '' : ` (${redact(reason)})`}. ${done} The others stay in ${nameOf(fromArn)}.\n`;
}

function count(messages: number): string {
  return `${messages} ${messages === 1 ? 'message' : 'messages'}`;
}

function report(text: string): void {
  process.stderr.write(`${redact(text)}\n`);
}
