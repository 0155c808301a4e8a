import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../lib/aws/logger.ts';
import type { EventContent } from './content.ts';
import { CredentialsError } from './credentials-error.ts';
import type { Credentials } from './destination-credentials.ts';
import type { Gate, Permission } from './gate.ts';
import type { CallResult, HttpCaller } from './http-call.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';

/** An invocation waits this long itself, so that the other messages stay in the queue. */
const MAX_WAIT_MS = 60_000;
/** Calls that one attempt can take: a token, the event, and both once more after status 401. */
export const MAX_CALLS_PER_ATTEMPT = 4;
const TOO_MANY_REQUESTS = 429;
/** Time at the end of an invocation for returning its messages. */
const RESERVE_MS = 5_000;
/** Messages that an invocation had no time for are received again after this time, multiplied by their receives. */
export const NEXT_INVOCATION_MS = 1_000;

/** No call was made. */
export type Wait = Extract<Permission, { kind: 'wait' }>;

/** What an invocation learned about the destination. */
export interface CallStatistics {
  /** Duration of each call, in milliseconds. */
  readonly callMs: readonly number[];
  readonly failedCalls: number;
  /** Why the last failed call failed; undefined if none did. */
  readonly lastFailure: string | undefined;
  /** Why the destination could not be called when it was last tried; undefined if it could. */
  readonly waitsFor: Wait['why'] | undefined;
}

/** What {@link DestinationCalls} need. */
export interface CallOptions {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly gate: Gate;
  readonly caller: Pick<HttpCaller, 'post'>;
  readonly credentials: Pick<Credentials, 'headers' | 'refused'>;
  readonly log: Log;
}

/** The calls that an invocation makes to its destination, when the gate allows them. */
export class DestinationCalls {
  private readonly options: CallOptions;
  private readonly latestMs: number;
  private readonly callMs: number[] = [];
  private failedCalls = 0;
  private lastFailure: string | undefined;
  private waitsFor: Wait['why'] | undefined;

  /** @param endMs - epoch milliseconds at which Lambda ends the invocation */
  constructor(options: CallOptions, endMs: number) {
    this.options = options;
    // The last call must end in time for its outcome.
    this.latestMs = endMs - MAX_CALLS_PER_ATTEMPT * options.timeoutMs - RESERVE_MS;
  }

  /** What was learned so far. */
  get statistics(): CallStatistics {
    const { callMs, failedCalls, lastFailure, waitsFor } = this;
    return { callMs, failedCalls, lastFailure, waitsFor };
  }

  /** Sends an event as soon as the gate allows it, unless that takes too long. */
  async send(content: EventContent): Promise<Outcome | Wait> {
    const permission = await this.permission();
    if (permission.kind === 'wait') return permission;
    const outcome = await this.call(content);
    try {
      await this.inform(outcome, permission);
    } catch (error) {
      // The outcome counts nevertheless: the event must not be sent again because of it.
      this.options.log.error('the result of a call was not recorded', { error, reason: outcome.reason });
    }
    return outcome;
  }

  /** Records what is not recorded yet. */
  async end(): Promise<void> {
    const { gate, log } = this.options;
    await gate.flush().catch((error: unknown) => log.warn('successful calls were not recorded', { error }));
  }

  /** Why no call may begin any more: the invocation ends. Undefined while one may. */
  tooLate(): Wait | undefined {
    const nowMs = Date.now();
    if (nowMs <= this.latestMs) return undefined;
    return { kind: 'wait', untilMs: nowMs + NEXT_INVOCATION_MS, why: this.waitsFor ?? 'rate' };
  }

  private async permission(): Promise<Permission> {
    const { latestMs } = this;
    const waitUntilMs = Math.min(latestMs, Date.now() + MAX_WAIT_MS);
    for (;;) {
      const late = this.tooLate();
      if (late) return late;
      const permission = await this.options.gate.enter(waitUntilMs);
      this.waitsFor = permission.kind === 'wait' ? permission.why : undefined;
      if (permission.kind === 'call' || permission.untilMs > waitUntilMs) return permission;
      await delay(Math.max(0, permission.untilMs - Date.now()));
    }
  }

  private async call(content: EventContent): Promise<Outcome> {
    const outcome = await this.callOnce(content);
    // The credentials may have changed. New ones are tried once.
    const isRepeated = outcome.status === 401 && this.options.credentials.refused();
    return isRepeated ? this.callOnce(content) : outcome;
  }

  private async callOnce({ body, id }: EventContent): Promise<Outcome> {
    const { url, caller, credentials } = this.options;
    let result: CallResult;
    const startedAtMs = performance.now();
    try {
      const own = await credentials.headers({ id, body, atMs: Date.now() });
      const headers = { ...own, 'content-type': 'application/json', 'idempotency-key': id };
      result = await caller.post({ url, headers, body });
    } catch (error) {
      // Without credentials nothing was sent.
      const isFinal = error instanceof CredentialsError && !error.retriable;
      const reason = `no credentials: ${error instanceof Error ? error.message : String(error)}`;
      return { action: isFinal ? 'dead_letter' : 'later', reason };
    }
    this.callMs.push(performance.now() - startedAtMs);
    return outcomeOf(result);
  }

  /** Tells the other invocations what the call says about the destination. */
  private async inform(outcome: Outcome, permission: { readonly isProbe: boolean }): Promise<void> {
    const { gate, log } = this.options;
    const { action, reason, status, holdMs } = outcome;
    if (action === 'later') {
      this.failedCalls += 1;
      this.lastFailure = reason;
      log.warn('a call failed; the event is sent again later', { reason, status });
    }
    if (action === 'stop') {
      await gate.stop(reason);
      log.error(
        'the destination is gone and is no longer called; resume it with: switchboard deliveries resume',
        { reason },
      );
      return;
    }
    if (holdMs) await gate.hold(holdMs, reason);
    // A destination that says how much it can take is available. After 503, and Retry-After: 0, it counts as a failure.
    const isPaced = status === TOO_MANY_REQUESTS && holdMs;
    if (action === 'later' && !isPaced) {
      const { state } = (await gate.onFailure(reason, permission)) ?? {};
      if (state === 'open') log.error('the circuit breaker is open', { reason });
    } else await gate.onSuccess(permission);
  }
}
