import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { announceCall } from '../announcements.ts';
import { isJsonObject } from './action-input.ts';
import { type ActionCall, AwsError, type EmulatedService, type JsonObject } from './emulated-service.ts';
import { faultError } from './emulator-fault-kinds.ts';
import type { AwsFaultKind, FaultInjector } from './emulator-faults.ts';
import { NotEmulatedError, refuseOtherMembers } from './not-emulated.ts';
import { runPartially } from './partial-failure.ts';
import { supportedParameters } from './supported-parameters.ts';

/** One call of an AWS JSON protocol. */
export interface Call extends ActionCall {
  /** `X-Amz-Target`, such as `AmazonSQS.SendMessage`. */
  readonly target: string;
  readonly body: string;
}

/** The response to a call. Errors are also responses. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Thrown instead of an answer if the request or its answer is lost. SDKs treat the name as a timeout. */
export class LostAnswerError extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(target: string, kind: AwsFaultKind) {
    super(`No answer to ${target} (injected fault ${kind}).`);
    this.name = 'TimeoutError';
  }
}

/** Finds the service and action of each call, injects faults and formats the response. */
export class Dispatcher {
  private readonly services: readonly EmulatedService[];
  private readonly faults: FaultInjector | undefined;

  constructor(services: readonly EmulatedService[], faults?: FaultInjector) {
    this.services = services;
    this.faults = faults;
  }

  /** The targets of all supported operations. */
  get targets(): string[] {
    return this.services.flatMap(({ targetPrefix, actions }) =>
      Object.keys(actions).map((action) => `${targetPrefix}.${action}`),
    );
  }

  /** Handles one call. Rejects with {@link LostAnswerError} if a fault drops the response. */
  async handle(call: Call): Promise<Answer> {
    announceCall(call);
    const [prefix = '', action = ''] = call.target.split('.', 2);
    const service = this.services.find(({ targetPrefix }) => targetPrefix === prefix);
    const contentType = service?.contentType ?? 'application/x-amz-json-1.0';
    try {
      return answer(200, contentType, await this.run(call, service, action));
    } catch (error) {
      if (error instanceof LostAnswerError) throw error;
      return errorAnswer(contentType, error);
    }
  }

  private async run(
    call: Call,
    service: EmulatedService | undefined,
    name: string,
  ): Promise<JsonObject | undefined> {
    const action = service && Object.hasOwn(service.actions, name) ? service.actions[name] : undefined;
    if (action === undefined) throw this.unknown(call.target, service);
    const input = parseInput(call.body);
    refuseOtherMembers(input, supportedParameters(call.target), name);
    const run = async (part: JsonObject) => action(part, call);
    const faults = this.faults;
    const kind = faults?.draw(call.target);
    if (faults === undefined || kind === undefined) return run(input);
    if (kind === 'partial_failure') {
      const outcome = runPartially(call.target, input, run, faults);
      if (outcome === undefined) return run(input);
      faults.report({ kind, target: call.target, body: call.body });
      return outcome;
    }
    faults.report({ kind, target: call.target, body: call.body });
    if (kind === 'throttle' || kind === 'server_error') throw faultError(call.target, kind);
    // The outcome is lost with the response, even if it is an error.
    if (kind === 'timeout_after_commit') await Promise.allSettled([run(input)]);
    await stall(faults.stallMs, call.signal);
    throw new LostAnswerError(call.target, kind);
  }

  private unknown(target: string, service: EmulatedService | undefined): AwsError {
    const supported = service
      ? Object.keys(service.actions)
      : this.services.map(({ targetPrefix }) => `${targetPrefix}.*`);
    return new NotEmulatedError(
      { kind: 'operation', name: target, supported },
      'com.amazon.coral.service#UnknownOperationException',
    );
  }
}

/** The answer for an error. Anything but an AwsError is a bug of the emulator: 500 with the stack. */
export function errorAnswer(contentType: string, error: unknown): Answer {
  if (!(error instanceof AwsError)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const body = { __type: 'InternalFailure', message: `The emulator itself failed: ${detail}` };
    return answer(500, contentType, body);
  }
  const { type, message, extra, status, queryCode } = error;
  const headers: Record<string, string> = queryCode === undefined ? {} : { 'x-amzn-query-error': queryCode };
  return answer(status, contentType, { __type: type, message, ...extra }, headers);
}

function answer(
  status: number,
  contentType: string,
  output: JsonObject | undefined,
  headers: Record<string, string> = {},
): Answer {
  const body = output === undefined ? '' : JSON.stringify(output);
  return {
    status,
    headers: {
      'content-type': contentType,
      'x-amzn-requestid': randomUUID(),
      'x-amz-crc32': String(crc32(body)),
      ...headers,
    },
    body,
  };
}

function parseInput(body: string): JsonObject {
  let input: unknown;
  try {
    input = body === '' ? {} : JSON.parse(body);
  } catch (error) {
    throw new AwsError(
      'com.amazon.coral.service#SerializationException',
      `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!isJsonObject(input))
    throw new AwsError('com.amazon.coral.service#SerializationException', 'The body must be a JSON object.');
  return input;
}

async function stall(stallMs: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, stallMs);
    signal?.addEventListener('abort', done);
  });
}
