import { Random } from '../random.ts';
import {
  CLOUD_FAULT_KINDS,
  CLOUD_FAULTS,
  type CloudFaultKind,
  type FaultTarget,
} from './cloud-fault-kinds.ts';
import { RecoveryGate } from './recovery-gate.ts';

/** A fault that has to wait for the client to recover is tried again this often. */
const RETRY_MS = 50;
/** Longest interval between faults, as a multiple of the mean. */
const LONGEST_INTERVAL_MEANS = 5;
const DEFAULT_MEAN_INTERVAL_MS = 2_000;
const DEFAULT_RECOVERY_LIMIT_MS = 15_000;

export interface CloudFaultsOptions {
  readonly seed: number;
  readonly kinds: 'all' | readonly CloudFaultKind[];
  /** Mean of the exponential intervals between faults. Default 2,000. */
  readonly meanIntervalMs?: number;
  /**
   * A fault of a connection waits at most this long for the client to recover from the one before. Default 15,000;
   * must be longer than the client takes to notice silence, or `half_open` may be followed by a second fault.
   */
  readonly recoveryLimitMs?: number;
  /** Called when a fault takes effect; faults of requests take effect with the request. */
  readonly onFault?: (kind: CloudFaultKind, atMs: number) => void;
}

/** The faults cannot be run as asked. */
export class CloudFaultsError extends Error {
  readonly code = 'CLOUD_FAULTS';
  constructor(message: string) {
    super(message);
    this.name = 'CloudFaultsError';
  }
}

/**
 * Seeded faults of the cloud at exponential intervals. The order of kinds and the intervals follow from the seed; what
 * they hit depends on who is connected.
 */
export class CloudFaults {
  /** Faults that took effect, by kind. */
  readonly counts: Record<CloudFaultKind, number>;
  private readonly kinds: readonly CloudFaultKind[];
  private readonly meanIntervalMs: number;
  private readonly onFault: (kind: CloudFaultKind, atMs: number) => void;
  private readonly random: Random;
  private readonly gate: RecoveryGate;
  private target: FaultTarget | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** A fault of a connection that waits for the client to recover from the last one. */
  private waiting: CloudFaultKind | undefined;
  private retryTimer: NodeJS.Timeout | undefined;

  /** @throws CloudFaultsError when there is no kind, or the interval is not positive */
  constructor(options: CloudFaultsOptions) {
    this.kinds = options.kinds === 'all' ? CLOUD_FAULT_KINDS : options.kinds;
    this.meanIntervalMs = options.meanIntervalMs ?? DEFAULT_MEAN_INTERVAL_MS;
    if (this.kinds.length === 0) throw new CloudFaultsError('Name at least one kind of fault.');
    if (!(this.meanIntervalMs > 0)) throw new CloudFaultsError('meanIntervalMs must be above 0.');
    this.onFault = options.onFault ?? (() => {});
    this.random = new Random(options.seed).fork('cloud-faults');
    this.gate = new RecoveryGate(options.recoveryLimitMs ?? DEFAULT_RECOVERY_LIMIT_MS);
    this.counts = Object.fromEntries(CLOUD_FAULT_KINDS.map((kind) => [kind, 0])) as Record<
      CloudFaultKind,
      number
    >;
  }

  /** Starts the schedule; the simulator calls it when it listens. */
  start(target: FaultTarget): void {
    this.stop();
    this.target = target;
    this.schedule();
  }

  /** Ends the schedule. {@link inject} still works. */
  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.retryTimer);
    this.waiting = undefined;
  }

  /**
   * One fault now, whether the client has recovered or not.
   * @returns whether there was something to hit
   * @throws CloudFaultsError before the simulator listens
   */
  inject(kind: CloudFaultKind): boolean {
    const target = this.target;
    if (target === undefined) throw new CloudFaultsError('Faults need a simulator: call listen() first.');
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
        this.onFault(kind, performance.timeOrigin + performance.now());
      },
    });
  }

  private schedule(): void {
    const means = Math.min(LONGEST_INTERVAL_MEANS, -Math.log(1 - this.random.next()));
    this.timer = setTimeout(() => {
      this.next(this.random.pick(this.kinds));
      this.schedule();
    }, means * this.meanIntervalMs);
  }

  /** While one fault of a connection waits, others of that scope are passed over. */
  private next(kind: CloudFaultKind): void {
    if (CLOUD_FAULTS[kind].scope !== 'socket') {
      this.inject(kind);
    } else if (this.waiting === undefined) {
      this.waiting = kind;
      this.try();
    }
  }

  private try(): void {
    const { channels } = this.target ?? {};
    if (this.waiting === undefined || channels === undefined) return;
    if (this.gate.isOpen(channels) && this.inject(this.waiting)) {
      this.waiting = undefined;
      return;
    }
    this.retryTimer = setTimeout(() => this.try(), RETRY_MS);
  }
}
