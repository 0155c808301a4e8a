import type { Context, Handler, SQSEvent } from 'aws-lambda';
import { bytesToText } from '../emulator/request-body.ts';
import type { RequestHandler } from '../emulator/request-handler.ts';

/** Where a crash happens. The AWS calls of an invocation, including SDK retries, are counted from 1. */
export interface CrashPoint {
  readonly call: number;
  /** `before` the call is sent, or `after` it took effect but before the handler gets the response. */
  readonly when: 'before' | 'after';
  /** If the handler makes fewer calls, crash when it returns, so that its response is lost. */
  readonly orAtEnd?: boolean;
}

/** One AWS call of an invocation. */
export interface CallMade {
  readonly target: string;
  readonly body: string;
  /** Whether the handler got a response. */
  readonly answered: boolean;
  /** Whether the handler got a response that confirms that the call took effect. */
  readonly succeeded: boolean;
}

/** How an invocation ended. */
export type Outcome =
  | { readonly kind: 'response'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'crash'; readonly call: number; readonly when: 'before' | 'after' | 'end' };

/** Connects a handler to AWS through its execution environment. */
export interface Edge {
  /** Every AWS call by the handler must go through a wrapped request handler. */
  wrap(handler: RequestHandler): RequestHandler;
}

/** Creates the handler of one environment, as a function's module does when it is loaded. */
export type CreateHandler = (edge: Edge) => Handler<SQSEvent, unknown> | Promise<Handler<SQSEvent, unknown>>;

/** The input of an invocation. */
export interface InvocationInput {
  readonly event: SQSEvent;
  readonly context: Context;
  /** From now, in ms. */
  readonly timeoutMs: number;
  readonly crashAt?: CrashPoint;
}

interface Running {
  readonly calls: { target: string; body: string; answered: boolean; succeeded: boolean }[];
  callCount: number;
  readonly crashAt: CrashPoint | undefined;
  readonly end: (outcome: Outcome) => void;
}

const FIRST_ERROR_STATUS = 300;
/** Maximum number of calls of an invocation whose bodies are kept for the report. */
const MAX_KEPT_CALLS = 10_000;

/**
 * A Lambda execution environment: one handler instance, one invocation at a time. After a timeout or a crash it is
 * frozen: its code never gets another response from AWS.
 */
export class ExecutionEnvironment {
  readonly id: number;
  private readonly handler: Promise<Handler<SQSEvent, unknown>>;
  private frozen = false;
  private running: Running | undefined;
  private lastCalls: readonly CallMade[] = [];

  constructor(id: number, createHandler: CreateHandler) {
    this.id = id;
    this.handler = (async () => createHandler({ wrap: (inner) => this.wrap(inner) }))();
    // The invocation reports the error. This prevents an unhandled rejection before that.
    this.handler.catch(() => undefined);
  }

  /** False after a timeout or a crash, or if the handler could not be created. Then the environment must be discarded. */
  get reusable(): boolean {
    return !this.frozen;
  }

  /** The AWS calls of the latest invocation so far. */
  get calls(): readonly CallMade[] {
    return this.lastCalls;
  }

  /** Runs one invocation. Never rejects, and settles within `timeoutMs`. */
  async invoke(input: InvocationInput): Promise<Outcome> {
    const calls: Running['calls'] = [];
    this.lastCalls = calls;
    const outcome = await new Promise<Outcome>((end) => {
      const timer = setTimeout(() => {
        this.frozen = true;
        end({ kind: 'timeout' });
      }, input.timeoutMs);
      const running: Running = {
        calls,
        callCount: 0,
        crashAt: input.crashAt,
        end: (result) => {
          clearTimeout(timer);
          end(result);
        },
      };
      this.running = running;
      this.run(input).then(
        (value) => running.end(this.atEnd(running, { kind: 'response', value })),
        (error: unknown) => running.end(this.atEnd(running, { kind: 'error', error })),
      );
    });
    this.running = undefined;
    return outcome;
  }

  private async run({ event, context }: InvocationInput): Promise<unknown> {
    let handler: Handler<SQSEvent, unknown>;
    try {
      handler = await this.handler;
    } catch (error) {
      this.frozen = true;
      throw error;
    }
    return handler(event, context, () => {
      throw new Error('Callbacks are not supported from nodejs24.x on. Return a promise.');
    });
  }

  private atEnd({ callCount, crashAt }: Running, outcome: Outcome): Outcome {
    if (this.frozen || !crashAt?.orAtEnd || callCount >= crashAt.call) return outcome;
    this.frozen = true;
    return { kind: 'crash', call: callCount, when: 'end' };
  }

  private wrap(inner: RequestHandler): RequestHandler {
    return {
      ...(inner.metadata && { metadata: inner.metadata }),
      handle: (request, options) => this.call(() => inner.handle(request, options), request),
      updateHttpClientConfig: (key, value) => inner.updateHttpClientConfig(key, value),
      httpHandlerConfigs: () => inner.httpHandlerConfigs(),
      destroy: () => inner.destroy?.(),
    };
  }

  private async call<T extends { response: { statusCode: number } }>(
    send: () => Promise<T>,
    request: { headers: Record<string, string>; body?: unknown },
  ): Promise<T> {
    if (this.frozen) return never();
    const running = this.running;
    // Calls outside an invocation belong to the start of the environment.
    if (running === undefined) return this.unlessFrozen(send());
    const sent = { target: targetOf(request.headers), body: textOf(request.body) };
    const made = { ...sent, answered: false, succeeded: false };
    if (running.calls.length < MAX_KEPT_CALLS) running.calls.push(made);
    running.callCount += 1;
    const number = running.callCount;
    const crash = running.crashAt?.call === number ? running.crashAt : undefined;
    if (crash?.when === 'before') return this.die(running, number, 'before');
    const [result] = await Promise.allSettled([send()]);
    if (crash?.when === 'after' && !this.frozen) return this.die(running, number, 'after');
    if (this.frozen) return never();
    made.answered = true;
    made.succeeded = result.status === 'fulfilled' && result.value.response.statusCode < FIRST_ERROR_STATUS;
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }

  private async unlessFrozen<T>(sent: Promise<T>): Promise<T> {
    const [result] = await Promise.allSettled([sent]);
    if (this.frozen) return never();
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }

  private die(running: Running, call: number, when: 'before' | 'after'): Promise<never> {
    this.frozen = true;
    running.end({ kind: 'crash', call, when });
    return never();
  }
}

/** The promise that code in a frozen environment awaits. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

function targetOf(headers: Record<string, string>): string {
  const key = Object.keys(headers).find((name) => name.toLowerCase() === 'x-amz-target');
  return (key === undefined ? undefined : headers[key]) ?? '';
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? bytesToText(body) : '';
}
