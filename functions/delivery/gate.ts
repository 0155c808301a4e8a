import { setTimeout as delay } from 'node:timers/promises';
import { afterCalls } from './circuit.ts';
import type { DeliveryTimes } from './delivery-times.ts';
import type { Destination, DestinationStore } from './destination-store.ts';

/** Time for which a probe keeps other probes away, in addition to the time of its attempt. */
const PROBE_MARGIN_MS = 5_000;
/** Rate at which calls begin after the circuit closes. */
const RAMP_START_PER_SECOND = 1;
/** Attempts to write a state that other invocations write too, and the longest wait between two. */
const MAX_WRITE_ATTEMPTS = 10;
const MAX_WRITE_WAIT_MS = 50;
/** Successful calls are recorded together, after at most this time. */
const MAX_UNRECORDED_MS = 1_000;
/** A stopped destination is checked again after this time, and one whose probe is in flight after the second time. */
const STOPPED_CHECK_MS = 900_000;
const PROBE_CHECK_MS = 1_000;

/** Whether a call may be made now. */
export type Permission =
  | { readonly kind: 'call'; readonly isProbe: boolean }
  | {
      readonly kind: 'wait';
      /** Epoch milliseconds at which to ask again. */
      readonly untilMs: number;
      readonly why: 'open' | 'probe' | 'held' | 'rate' | 'stopped';
      /** Why the destination is in this state. */
      readonly reason?: string | undefined;
    };

/** Options of {@link Gate}. */
export interface GateOptions {
  readonly store: DestinationStore;
  readonly times: DeliveryTimes;
  /** Calls per second; undefined if there is no limit. */
  readonly ratePerSecond: number | undefined;
  /** Longest time of an attempt to send an event, which can take several calls. */
  readonly attemptMs: number;
}

/** A change of the state of a destination; undefined leaves it unchanged. */
type StateChange = (
  current: Destination,
) => Promise<Omit<Destination, 'version'> | undefined> | Omit<Destination, 'version'> | undefined;

/**
 * Decides when a destination may be called, for all concurrent invocations together: not while its circuit is open
 * except for one probe, not before the time that it has asked for, and not faster than its rate limit. After the circuit
 * closes, the rate rises step by step.
 */
export class Gate {
  private readonly options: GateOptions;
  private succeeded = 0;
  private recordedAtMs = Date.now();

  constructor(options: GateOptions) {
    this.options = options;
  }

  /**
   * Asks to make a call, and waits for its turn in the rate limit.
   *
   * @param latestMs - epoch milliseconds after which the call can no longer begin
   */
  async enter(latestMs: number): Promise<Permission> {
    const { store } = this.options;
    const current = await store.read();
    const permission = await this.permissionIn(current);
    const intervalMs = this.intervalMs(current);
    if (permission.kind === 'wait' || permission.isProbe || intervalMs === 0) return permission;
    const slot = await store.takeSlot(intervalMs, latestMs);
    if ('retryAtMs' in slot) return { kind: 'wait', untilMs: slot.retryAtMs, why: 'rate' };
    const waitMs = slot.atMs - Date.now();
    if (waitMs <= 0) return permission;
    await delay(waitMs);
    // Another invocation may have learned in the meantime that no call may be made.
    return this.permissionIn(await store.read());
  }

  /** A call was answered. */
  async onSuccess({ isProbe }: { isProbe: boolean }): Promise<void> {
    this.succeeded += 1;
    if (isProbe || Date.now() - this.recordedAtMs >= MAX_UNRECORDED_MS) await this.flush(isProbe);
  }

  /** A call failed in a way that shows that the destination is unavailable. */
  async onFailure(reason: string, { isProbe }: { isProbe: boolean }): Promise<Destination | undefined> {
    return this.record(isProbe, reason);
  }

  /** The destination has asked not to be called for some time. This says nothing about whether it is available. */
  async hold(holdMs: number, reason: string): Promise<void> {
    await this.options.store.hold(Date.now() + holdMs, reason);
  }

  /** The destination is gone. */
  async stop(reason: string): Promise<void> {
    await this.options.store.stop(reason);
  }

  /** Records successful calls that are not recorded yet. */
  async flush(isProbe = false): Promise<void> {
    if (this.succeeded > 0) await this.record(isProbe, undefined);
  }

  /** @param failure - why the last call failed; undefined if it succeeded */
  private async record(isProbe: boolean, failure: string | undefined): Promise<Destination | undefined> {
    const results = [...Array<boolean>(this.succeeded).fill(true), ...(failure === undefined ? [] : [false])];
    this.succeeded = 0;
    this.recordedAtMs = Date.now();
    return this.change(async (current) => {
      if (!concerns(current, isProbe)) return undefined;
      const { state } = current;
      const own = state === 'closed' ? results : [failure === undefined];
      const { policy, opensAtMs } = await afterCalls(current.policy, own, this.options.times);
      if (opensAtMs === undefined) return { ...closedAfter(current), policy };
      const sinceMs = state === 'closed' ? Date.now() : current.sinceMs;
      const { heldUntilMs } = current;
      return { state: 'open', sinceMs, reason: failure, retryAtMs: opensAtMs, heldUntilMs, policy };
    });
  }

  private async permissionIn(current: Destination): Promise<Permission> {
    const { state, reason, retryAtMs = 0, heldUntilMs = 0 } = current;
    const nowMs = Date.now();
    if (state !== 'stopped' && heldUntilMs > nowMs)
      return { kind: 'wait', untilMs: heldUntilMs, why: 'held', reason };
    switch (state) {
      case 'stopped':
        return { kind: 'wait', untilMs: nowMs + STOPPED_CHECK_MS, why: 'stopped', reason };
      case 'closed':
        return { kind: 'call', isProbe: false };
      case 'half_open':
        if (retryAtMs > nowMs) return { kind: 'wait', untilMs: nowMs + PROBE_CHECK_MS, why: 'probe', reason };
        return this.probe(current);
      case 'open':
        if (retryAtMs > nowMs) return { kind: 'wait', untilMs: retryAtMs, why: 'open', reason };
        return this.probe(current);
    }
  }

  /** Takes the probe, unless another invocation was faster. */
  private async probe(current: Destination): Promise<Permission> {
    const nowMs = Date.now();
    const retryAtMs = nowMs + this.options.attemptMs + PROBE_MARGIN_MS;
    const taken = await this.options.store.replace(current, { ...current, state: 'half_open', retryAtMs });
    return taken
      ? { kind: 'call', isProbe: true }
      : { kind: 'wait', untilMs: nowMs + PROBE_CHECK_MS, why: 'probe', reason: current.reason };
  }

  /** Time between two calls, in milliseconds; 0 if there is no limit. */
  private intervalMs({ rampFromMs }: Destination): number {
    const { ratePerSecond, times } = this.options;
    const limitMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
    const rampedMs = rampFromMs === undefined ? times.rampMs : Date.now() - rampFromMs;
    if (rampedMs >= times.rampMs) return limitMs;
    const doublings = Math.floor(rampedMs / times.rampDoublingMs);
    return Math.max(limitMs, 1000 / (RAMP_START_PER_SECOND * 2 ** doublings));
  }

  /** Changes the state, after reading it again if another invocation has changed it. */
  private async change(next: StateChange): Promise<Destination | undefined> {
    const { store } = this.options;
    for (let attempt = 1; attempt <= MAX_WRITE_ATTEMPTS; attempt++) {
      const current = await store.read();
      const changed = await next(current);
      if (changed === undefined) return current;
      const stored = await store.replace(current, changed);
      if (stored) return stored;
      await delay(Math.random() * MAX_WRITE_WAIT_MS);
    }
    return undefined;
  }
}

/**
 * Whether the result of a call changes the state. That of a call which began before the circuit opened says nothing
 * about the probe.
 */
function concerns({ state }: Destination, isProbe: boolean): boolean {
  return state === 'closed' || (state !== 'stopped' && isProbe);
}

/** The closed state that follows. If the circuit was open, the rate of calls starts low. */
function closedAfter(current: Destination): Omit<Destination, 'version'> {
  if (current.state === 'closed') return current;
  const nowMs = Date.now();
  const { heldUntilMs } = current;
  return { state: 'closed', sinceMs: nowMs, rampFromMs: Math.max(nowMs, heldUntilMs ?? 0), heldUntilMs };
}
