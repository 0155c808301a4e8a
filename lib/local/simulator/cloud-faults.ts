import { Random } from '../random.ts';
import {
  CLOUD_FAULT_KINDS,
  CLOUD_FAULTS,
  type CloudFaultKind,
  type FaultTarget,
} from './cloud-fault-kinds.ts';
import { RecoveryGate } from './recovery-gate.ts';

/** Interval at which a fault that waits for the client to recover is retried. */
const RETRY_MS = 50;
/** Longest interval between two faults, as a multiple of the mean. */
const MAX_INTERVAL_MEANS = 5;
const DEFAULT_MEAN_INTERVAL_MS = 2_000;
/**
 * Maximum time that a socket fault waits for the client to recover from the previous one. Must be longer than the
 * client takes to detect a silent connection; otherwise `half_open` may be followed by a second fault too early.
 */
const MAX_RECOVERY_MS = 15_000;

export interface CloudFaultsOptions {
  readonly seed: number;
  readonly kinds: readonly CloudFaultKind[];
  /** Mean of the exponentially distributed intervals between faults. Default 2,000. */
  readonly meanIntervalMs?: number;
}

/** The options are invalid, or there is no simulator to inject faults into. */
export class CloudFaultsError extends Error {
  readonly code = 'CLOUD_FAULTS';
  constructor(message: string) {
    super(message);
    this.name = 'CloudFaultsError';
  }
}

/**
 * Seeded faults of the cloud at exponentially distributed intervals. The seed determines the order of the kinds and
 * the intervals. Which channels they hit depends on the connected clients.
 */
export class CloudFaults {
  /** Faults that took effect, by kind. */
  readonly counts: Record<CloudFaultKind, number>;
  private readonly kinds: readonly CloudFaultKind[];
  private readonly meanIntervalMs: number;

  private readonly random: Random;
  private readonly gate: RecoveryGate;
  private target: FaultTarget | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Socket faults that wait for the client to recover from the previous one. */
  private waiting: CloudFaultKind[] = [];
  private retryTimer: NodeJS.Timeout | undefined;

  /** @throws CloudFaultsError if there is no kind, or the interval is not positive */
  constructor(options: CloudFaultsOptions) {
    this.kinds = options.kinds;
    this.meanIntervalMs = options.meanIntervalMs ?? DEFAULT_MEAN_INTERVAL_MS;
    if (this.kinds.length === 0) throw new CloudFaultsError('Specify at least one kind of fault.');
    if (!(this.meanIntervalMs > 0)) throw new CloudFaultsError('meanIntervalMs must be greater than 0.');
    this.random = new Random(options.seed).fork('cloud-faults');
    this.gate = new RecoveryGate(MAX_RECOVERY_MS);
    this.counts = Object.fromEntries(CLOUD_FAULT_KINDS.map((kind) => [kind, 0])) as Record<
      CloudFaultKind,
      number
    >;
  }

  /** Starts the schedule. The simulator calls this when it listens. */
  start(target: FaultTarget): void {
    this.stop();
    this.target = target;
    this.schedule();
  }

  /** Ends the schedule. {@link inject} still works. */
  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.waiting = [];
  }

  /** Injects a socket fault as soon as the client has recovered from the previous one, before all waiting faults. */
  request(kind: CloudFaultKind): void {
    this.waiting.unshift(kind);
    if (this.retryTimer === undefined) this.tryWaiting();
  }

  /**
   * Injects a fault now, whether or not the client has recovered from the previous one.
   *
   * @returns whether the fault found a target
   * @throws CloudFaultsError if the simulator is not listening yet
   */
  inject(kind: CloudFaultKind): boolean {
    const target = this.target;
    if (target === undefined) throw new CloudFaultsError('There is no simulator yet: call listen() first.');
    const fault = CLOUD_FAULTS[kind];
    const steady = target.channels.all().filter((channel) => channel.steady);
    if (fault.scope !== 'request' && steady.length === 0) return false;
    const channel = fault.scope === 'request' ? undefined : this.random.pick(steady);
    if (fault.scope === 'socket' && channel !== undefined) {
      const hit =
        kind === 'token_revoked' ? steady.filter(({ token }) => token === channel.token) : [channel];
      this.gate.remember(target.channels, hit);
    }
    return fault.apply({
      target,
      random: this.random,
      channelId: channel?.id ?? '',
      onHit: () => {
        this.counts[kind] += 1;
      },
    });
  }

  private schedule(): void {
    const means = Math.min(MAX_INTERVAL_MEANS, -Math.log(1 - this.random.next()));
    this.timer = setTimeout(() => {
      this.strike(this.random.pick(this.kinds));
      this.schedule();
    }, means * this.meanIntervalMs);
  }

  /** While a socket fault waits, other socket faults are skipped. */
  private strike(kind: CloudFaultKind): void {
    if (CLOUD_FAULTS[kind].scope !== 'socket') {
      this.inject(kind);
    } else if (this.waiting.length === 0) {
      this.request(kind);
    }
  }

  private tryWaiting(): void {
    this.retryTimer = undefined;
    const { channels } = this.target ?? {};
    const [next] = this.waiting;
    if (next === undefined || channels === undefined) return;
    if (this.gate.isOpen(channels) && this.inject(next)) this.waiting.shift();
    if (this.waiting.length > 0) this.retryTimer = setTimeout(() => this.tryWaiting(), RETRY_MS);
  }
}
