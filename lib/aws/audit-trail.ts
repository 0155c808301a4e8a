import { setTimeout as delay } from 'node:timers/promises';
import { AuditChain } from '../events/audit-chain.ts';
import { type AuditEntry, type AuditLevel, type AuditService, isAudited } from '../events/audit-record.ts';
import { batchLength, type LogLine, logLine } from './log-event-batch.ts';
import type { Log } from './logger.ts';

/** Maximum number of records that wait to be written. Above it, new records are dropped and counted. */
const MAX_BUFFER_BYTES = 8 * 1_048_576;
/** Delay between a record and its write in a long-running process, and between two attempts. */
const WRITE_INTERVAL_MS = 1_000;
/** Time limit for a write in such a process. It is longer than all attempts of the SDK take. */
const MAX_WRITE_MS = 20_000;

/** Where the records of a session are written. */
export interface AuditStream {
  /** @returns the number of rejected lines */
  write(batch: readonly LogLine[], signal: AbortSignal): Promise<number>;
}

/** Options of {@link AuditTrail}. */
export interface AuditTrailOptions {
  readonly service: AuditService;
  /** Which actions are recorded. */
  readonly level: AuditLevel;
  /** Creates the stream of a session. */
  readonly stream: (session: string) => AuditStream;
  readonly log: Log;
  /** `continuously`: within about a second, with retries after a failure. `on flush`: only on request. */
  readonly writes: 'continuously' | 'on flush';
}

/**
 * The audit records of one session, which is a process or a Lambda execution environment. Recording never waits and
 * never fails. Records that cannot be written are counted, and the hash chain shows that they are missing.
 */
export class AuditTrail {
  private readonly options: AuditTrailOptions;
  private readonly chain: AuditChain;
  private readonly stream: AuditStream;
  private readonly buffer: LogLine[] = [];
  private bufferedBytes = 0;
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** Records at the start of the buffer that are counted as lost. */
  private presumedLost = 0;
  /** Records that were dropped or rejected, and those counted by {@link AuditTrail.presumeLost}. */
  lost = 0;

  constructor(options: AuditTrailOptions) {
    this.options = options;
    this.chain = new AuditChain(options.service);
    this.stream = options.stream(this.session);
    this.record({ action: 'session.started' });
  }

  get session(): string {
    return this.chain.session;
  }

  /** Records an action, if the level includes it. */
  record(entry: AuditEntry): void {
    const { level, writes } = this.options;
    if (this.isClosed || !isAudited(level, entry.action)) return;
    const record = this.chain.append(entry);
    const line = logLine(Date.parse(record.time), JSON.stringify(record));
    if (this.bufferedBytes + line.bytes > MAX_BUFFER_BYTES) this.lost += 1;
    else {
      this.buffer.push(line);
      this.bufferedBytes += line.bytes;
    }
    if (writes === 'continuously') this.schedule();
  }

  /** Writes the pending records. Ends after `limitMs`, and keeps the records that were not written. Never rejects. */
  async flush(limitMs: number): Promise<void> {
    const abort = new AbortController();
    const limit = delay(Math.max(0, limitMs), undefined, { signal: abort.signal }).catch(() => undefined);
    this.writing = this.writing.then(() => this.writeAll(abort.signal));
    await Promise.race([this.writing, limit]);
    abort.abort();
  }

  /**
   * Counts the records that are not written yet as lost, because there may be no later flush. If there is, it writes
   * them.
   */
  presumeLost(): void {
    this.lost += this.buffer.length - this.presumedLost;
    this.presumedLost = this.buffer.length;
  }

  /**
   * Ends the chain, writes the remaining records, and counts those not written within `limitMs` as lost. Never rejects.
   */
  async close(limitMs: number): Promise<void> {
    if (this.isClosed) return;
    this.record({ action: 'session.ended' });
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.flush(limitMs);
    this.presumeLost();
    if (this.lost > 0) this.options.log.error('audit records were not written', { lost: this.lost });
  }

  private schedule(): void {
    if (this.timer || this.isClosed) return;
    this.timer = setTimeout(() => void this.writeLater(), WRITE_INTERVAL_MS);
    this.timer.unref();
  }

  private async writeLater(): Promise<void> {
    await this.flush(MAX_WRITE_MS);
    this.timer = undefined;
    if (this.buffer.length > 0) this.schedule();
  }

  private async writeAll(signal: AbortSignal): Promise<void> {
    while (this.buffer.length > 0 && !signal.aborted) {
      const batch = this.buffer.slice(0, batchLength(this.buffer));
      try {
        const refused = await this.stream.write(batch, signal);
        this.lost += refused;
      } catch (error) {
        this.options.log.error('audit records could not be written', { records: batch.length, error });
        return;
      }
      this.buffer.splice(0, batch.length);
      this.presumedLost = Math.max(0, this.presumedLost - batch.length);
      this.bufferedBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }
}
