import type { Connection } from './connection.ts';
import type { Subscription } from './protocols/stream-protocol.ts';

/** What became of an update: `replace` if the connection has to be replaced, because it could not be updated. */
export type UpdateOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'replace'; readonly error?: unknown };

/** The open connections of one subscription, and what each of them is subscribed to. */
export class SubscribedConnections {
  /** What all connections should be subscribed to. */
  wanted: Subscription;
  private readonly connections = new Map<Connection, Subscription>();
  private readonly updating = new Set<Connection>();

  constructor(wanted: Subscription) {
    this.wanted = wanted;
  }

  get size(): number {
    return this.connections.size;
  }

  /** Add a connection until it ends. */
  add(connection: Connection, subscription: Subscription): void {
    this.connections.set(connection, subscription);
    void connection.ended.then(() => this.connections.delete(connection));
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.connections.keys();
  }

  /** What a connection is subscribed to; undefined for one that has ended. */
  of(connection: Connection): Subscription | undefined {
    return this.connections.get(connection);
  }

  /** Give a connection the wanted subscription, one change after another. */
  async bringUpToDate(connection: Connection): Promise<UpdateOutcome> {
    if (this.updating.has(connection)) return { kind: 'done' };
    this.updating.add(connection);
    try {
      while (this.isOutdated(connection)) {
        const { wanted } = this;
        if (!connection.session.update) return { kind: 'replace' };
        await connection.session.update(wanted);
        if (this.connections.has(connection)) this.connections.set(connection, wanted);
      }
      return { kind: 'done' };
    } catch (error) {
      return { kind: 'replace', error };
    } finally {
      this.updating.delete(connection);
    }
  }

  private isOutdated(connection: Connection): boolean {
    return (this.connections.get(connection) ?? this.wanted) !== this.wanted;
  }
}
