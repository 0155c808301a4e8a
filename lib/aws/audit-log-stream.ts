import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  type RejectedLogEventsInfo,
  ResourceAlreadyExistsException,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogLine } from './log-event-batch.ts';

/** A new log stream in CloudWatch Logs. It is created on the first write. */
export class AuditLogStream {
  private readonly client: CloudWatchLogsClient;
  private readonly location: { readonly logGroupName: string; readonly logStreamName: string };
  private isCreated = false;

  constructor(client: CloudWatchLogsClient, logGroupName: string, logStreamName: string) {
    this.client = client;
    this.location = { logGroupName, logStreamName };
  }

  /**
   * Writes a batch that is within the limits of PutLogEvents. After a timeout, the batch may have been written, and a
   * retry writes it again: log events are stored at least once.
   *
   * @returns the number of lines that CloudWatch Logs rejected because of their timestamps
   * @throws the SDK's error if the batch was not accepted
   */
  async write(batch: readonly LogLine[], abortSignal: AbortSignal): Promise<number> {
    await this.create(abortSignal);
    const logEvents = batch
      .map(({ timestamp, message }) => ({ timestamp, message }))
      .toSorted((one, other) => one.timestamp - other.timestamp);
    const command = new PutLogEventsCommand({ ...this.location, logEvents });
    const { rejectedLogEventsInfo } = await this.client.send(command, { abortSignal });
    return rejectedCount(rejectedLogEventsInfo, batch.length);
  }

  private async create(abortSignal: AbortSignal): Promise<void> {
    if (this.isCreated) return;
    try {
      await this.client.send(new CreateLogStreamCommand(this.location), { abortSignal });
    } catch (error) {
      // The response to the first attempt was lost.
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    }
    this.isCreated = true;
  }
}

function rejectedCount(info: RejectedLogEventsInfo = {}, length: number): number {
  const { tooOldLogEventEndIndex = 0, expiredLogEventEndIndex = 0, tooNewLogEventStartIndex = length } = info;
  return Math.max(tooOldLogEventEndIndex, expiredLogEventEndIndex) + length - tooNewLogEventStartIndex;
}
