import { randomUUID } from 'node:crypto';
import { optionalNumber, optionalObjects, optionalString, optionalStrings } from './action-input.ts';
import { type Action, AwsError, type EmulatedService, type JsonObject } from './emulated-service.ts';

/** Limits of PutLogEvents, from its API reference. */
const MAX_BATCH_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;
const MAX_BATCH_SPAN_MS = 24 * 3_600_000;
const MAX_AGE_MS = 14 * 24 * 3_600_000;
const MAX_FUTURE_MS = 2 * 3_600_000;
/** Limits of a page of FilterLogEvents. */
const MAX_PAGE_EVENTS = 10_000;
const MAX_PAGE_BYTES = 1_048_576;
/** The emulator's own limit, for all log groups together. */
const MAX_STORED_BYTES = 1_024 * 1_024 * 1_024;

/** A stored log event. */
export interface LogEvent {
  readonly logStreamName: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly ingestionTime: number;
  readonly message: string;
  readonly eventId: string;
}

type Streams = Map<string, LogEvent[]>;

/** CloudWatch Logs: log groups and streams, PutLogEvents, and FilterLogEvents without patterns. */
export class CloudWatchLogs implements EmulatedService {
  readonly targetPrefix = 'Logs_20140328';
  readonly contentType = 'application/x-amz-json-1.1';
  readonly actions: Readonly<Record<string, Action>> = {
    CreateLogGroup: (input) => this.createGroup(input),
    DeleteLogGroup: (input) => this.deleteGroup(input),
    CreateLogStream: (input) => this.createStream(input),
    PutLogEvents: (input) => this.put(input),
    FilterLogEvents: (input) => this.filter(input),
  };
  private readonly groups = new Map<string, Streams>();
  private storedBytes = 0;

  /** The log events of a group in the order of their timestamps. */
  events(groupName: string): LogEvent[] {
    const streams = this.groups.get(groupName) ?? new Map<string, LogEvent[]>();
    return [...streams.values()].flat().toSorted((one, other) => one.timestamp - other.timestamp);
  }

  private createGroup(input: JsonObject): undefined {
    const name = nameOf(input, 'logGroupName', /^[.\-_/#A-Za-z0-9]{1,512}$/);
    if (this.groups.has(name)) throw alreadyExists('log group');
    this.groups.set(name, new Map());
  }

  private deleteGroup(input: JsonObject): undefined {
    const events = [...this.group(input).values()].flat();
    this.storedBytes -= bytesOf(events);
    this.groups.delete(optionalString(input, 'logGroupName') ?? '');
  }

  private createStream(input: JsonObject): undefined {
    const streams = this.group(input);
    const name = nameOf(input, 'logStreamName', /^[^:*]{1,512}$/);
    if (streams.has(name)) throw alreadyExists('log stream');
    streams.set(name, []);
  }

  private put(input: JsonObject): JsonObject {
    const logStreamName = optionalString(input, 'logStreamName') ?? '';
    const stream = this.group(input).get(logStreamName);
    if (!stream) throw notFound('log stream');
    const ingestionTime = Date.now();
    const events = (optionalObjects(input, 'logEvents') ?? []).map((event) => ({
      logStreamName,
      timestamp: optionalNumber(event, 'timestamp') ?? Number.NaN,
      ingestionTime,
      message: optionalString(event, 'message') ?? '',
      eventId: randomUUID(),
    }));
    checkBatch(events);
    const tooOld = events.filter(({ timestamp }) => timestamp < ingestionTime - MAX_AGE_MS).length;
    const tooNew = events.filter(({ timestamp }) => timestamp > ingestionTime + MAX_FUTURE_MS).length;
    const accepted = events.slice(tooOld, events.length - tooNew);
    this.storedBytes += bytesOf(accepted);
    if (this.storedBytes > MAX_STORED_BYTES)
      throw new AwsError(
        'LimitExceededException',
        `The emulator keeps at most ${MAX_STORED_BYTES} bytes of logs.`,
      );
    stream.push(...accepted);
    if (tooOld + tooNew === 0) return {};
    return {
      rejectedLogEventsInfo: {
        ...(tooOld > 0 ? { tooOldLogEventEndIndex: tooOld } : {}),
        ...(tooNew > 0 ? { tooNewLogEventStartIndex: events.length - tooNew } : {}),
      },
    };
  }

  private filter(input: JsonObject): JsonObject {
    this.group(input);
    const names = optionalStrings(input, 'logStreamNames');
    const prefix = optionalString(input, 'logStreamNamePrefix') ?? '';
    const fromMs = optionalNumber(input, 'startTime') ?? 0;
    const toMs = optionalNumber(input, 'endTime') ?? Number.POSITIVE_INFINITY;
    const found = this.events(optionalString(input, 'logGroupName') ?? '').filter(
      ({ logStreamName, timestamp }) =>
        (names.length === 0 || names.includes(logStreamName)) &&
        logStreamName.startsWith(prefix) &&
        timestamp >= fromMs &&
        timestamp <= toMs,
    );
    const start = Number(optionalString(input, 'nextToken') ?? 0);
    const limit = Math.min(optionalNumber(input, 'limit') ?? MAX_PAGE_EVENTS, MAX_PAGE_EVENTS);
    let end = start;
    for (let bytes = 0; end < found.length && end - start < limit; end++) {
      bytes += bytesOf(found.slice(end, end + 1));
      if (end > start && bytes > MAX_PAGE_BYTES) break;
    }
    return {
      events: found.slice(start, end),
      searchedLogStreams: [],
      ...(end < found.length ? { nextToken: String(end) } : {}),
    };
  }

  private group(input: JsonObject): Streams {
    const streams = this.groups.get(optionalString(input, 'logGroupName') ?? '');
    if (!streams) throw notFound('log group');
    return streams;
  }
}

/** Refuses a batch as a whole, as AWS does. */
function checkBatch(events: readonly LogEvent[]): void {
  const times = events.map(({ timestamp }) => timestamp);
  const [first = 0] = times;
  const problems: [boolean, string][] = [
    [events.length === 0, 'Log events in a single PutLogEvents request must not be empty.'],
    [events.length > MAX_BATCH_EVENTS, `A batch has at most ${MAX_BATCH_EVENTS} log events.`],
    [events.some(({ message }) => message === ''), 'Log event messages must not be empty.'],
    [bytesOf(events) > MAX_BATCH_BYTES, `Upload too large: at most ${MAX_BATCH_BYTES} bytes.`],
    [
      times.some((time, index) => !(time >= (times[index - 1] ?? 0))),
      'Log events in a single PutLogEvents request must be in chronological order.',
    ],
    [
      (times.at(-1) ?? first) - first > MAX_BATCH_SPAN_MS,
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    ],
  ];
  const problem = problems.find(([isFound]) => isFound);
  if (problem) throw new AwsError('InvalidParameterException', problem[1]);
}

function bytesOf(events: readonly LogEvent[]): number {
  return events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES, 0);
}

function nameOf(input: JsonObject, member: string, pattern: RegExp): string {
  const name = optionalString(input, member) ?? '';
  if (!pattern.test(name))
    throw new AwsError('InvalidParameterException', `${member} "${name}" is not a valid name.`);
  return name;
}

function alreadyExists(what: string): AwsError {
  return new AwsError('ResourceAlreadyExistsException', `The specified ${what} already exists`);
}

function notFound(what: string): AwsError {
  return new AwsError('ResourceNotFoundException', `The specified ${what} does not exist.`);
}
