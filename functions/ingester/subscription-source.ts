import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from './backoff.ts';
import { SecretEmptyError } from './credentials.ts';
import type { IngesterDependencies } from './dependencies.ts';
import { endOfFailure } from './protocols/end-table.ts';
import type { ProtocolContext, StreamProtocol, Subscription } from './protocols/stream-protocol.ts';

/** Interval at which an empty secret is read again. */
export const SECRET_POLL_MS = 15_000;

type Subscriptions = ReadonlyMap<string, Subscription>;

/** Finds the subscriptions of a deployment: first at the start, which may have to wait, and then whenever they change. */
export class SubscriptionSource {
  /** Set while the secrets of all OAuth clients are empty. */
  emptySecret: SecretEmptyError | undefined;
  /** Why the last attempt at the start failed. */
  startError: string | undefined;
  private readonly protocol: StreamProtocol;
  private readonly configuration: unknown;
  private readonly context: ProtocolContext;
  private readonly limits: IngesterDependencies['limits'];
  private changes: AsyncIterator<Subscriptions> | undefined;

  constructor(
    protocol: StreamProtocol,
    configuration: unknown,
    context: ProtocolContext,
    limits: IngesterDependencies['limits'],
  ) {
    this.protocol = protocol;
    this.configuration = configuration;
    this.context = context;
    this.limits = limits;
  }

  /**
   * The first subscriptions. A temporary failure is repeated as often as a failed connection, an empty secret is
   * awaited.
   *
   * @throws GenesysError when another attempt cannot succeed, or when too many failed
   */
  async first(): Promise<Subscriptions> {
    const { log, signal } = this.context;
    const backoff = new Backoff(this.limits?.backoff);
    for (;;) {
      try {
        await this.untilASecretIsFilled();
        this.changes = this.protocol.subscriptions(this.configuration, this.context)[Symbol.asyncIterator]();
        const { value, done } = await this.changes.next();
        this.startError = undefined;
        return done ? new Map() : value;
      } catch (error) {
        backoff.onFailure();
        if (endOfFailure(error).recovery === 'stop' || backoff.isExhausted) throw error;
        this.startError = error instanceof Error ? error.message : String(error);
        const delayMs = backoff.delayMs();
        log.warn('the subscriptions could not be found; retrying', {
          attempt: backoff.failedAttempts,
          delayMs: Math.round(delayMs),
          reason: this.startError,
        });
        await delay(delayMs, undefined, { signal });
      }
    }
  }

  /**
   * Report every change until the process stops.
   *
   * @throws when the protocol cannot continue
   */
  async follow(onChange: (subscriptions: Subscriptions) => void): Promise<void> {
    const { changes } = this;
    if (!changes) return;
    try {
      for (let next = await changes.next(); !next.done; next = await changes.next()) onChange(next.value);
    } catch (error) {
      if (!this.context.signal.aborted) throw error;
    }
  }

  private async untilASecretIsFilled(): Promise<void> {
    const { log, signal } = this.context;
    for (;;) {
      try {
        await this.context.clients();
        this.emptySecret = undefined;
        return;
      } catch (error) {
        if (!(error instanceof SecretEmptyError)) throw error;
        if (!this.emptySecret) log.error(error.message);
        this.emptySecret = error;
        await delay(this.limits?.secretPollMs ?? SECRET_POLL_MS, undefined, { signal });
      }
    }
  }
}
