import type { AuditTrail } from '../../lib/aws/audit-trail.ts';
import type { End, EndCause } from './protocols/end-table.ts';
import type { ConnectionSignal } from './protocols/stream-protocol.ts';

/** Records what happens to one connection. */
export class ConnectionAudit {
  private readonly trail: AuditTrail;
  private readonly about: {
    readonly protocol: string;
    readonly subscription: string;
    readonly connection: number;
  };
  private readonly startedTick = performance.now();

  constructor(trail: AuditTrail, about: ConnectionAudit['about']) {
    this.trail = trail;
    this.about = about;
  }

  /** The socket is open. */
  opened(): void {
    this.trail.record({ action: 'connection.opened', ...this.about });
  }

  /** The connection delivers events. */
  ready(): void {
    const latencyMs = Math.round(performance.now() - this.startedTick);
    this.trail.record({ action: 'connection.ready', ...this.about, latencyMs });
  }

  /** The server requests another connection. */
  moving({ recovery, reason }: Extract<ConnectionSignal, { kind: 'move' }>): void {
    this.trail.record({ action: 'connection.moving', ...this.about, recovery, reason });
  }

  /** The connection has ended. */
  closed({ cause: { code, reason }, end: { meaning, recovery } }: { cause: EndCause; end: End }): void {
    this.trail.record({ action: 'connection.closed', ...this.about, code, meaning, recovery, reason });
  }
}
