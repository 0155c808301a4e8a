import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReceiverCertificates } from './receiver-certificates.ts';

/** How long, and how often, the receiver tries to take its port again after it was down, in ms. */
const MAX_REOPEN_MS = 10_000;
const REOPEN_INTERVAL_MS = 50;

/** The port of a receiver on 127.0.0.1, which refuses connections while the receiver is down. */
export class ReceiverPort {
  private readonly server: Server | TlsServer;
  private readonly onFailure: (error: unknown) => void;
  private readonly abort = new AbortController();
  private outage: Promise<void> | undefined;

  /** @param onFailure - called if the port cannot be taken again after the receiver was down */
  constructor(server: Server | TlsServer, onFailure: (error: unknown) => void) {
    this.server = server;
    this.onFailure = onFailure;
  }

  /** Whether calls can be received. */
  get isOpen(): boolean {
    return this.outage === undefined && !this.abort.signal.aborted;
  }

  /** Aborted when the receiver closes. */
  get closing(): AbortSignal {
    return this.abort.signal;
  }

  /** @param port - 0 for a free one @returns the port */
  async listen(port: number): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Closes every connection, and refuses new ones for some time. */
  goDown(downMs: number): void {
    if (!this.isOpen) return;
    this.outage = this.stayDown(downMs)
      .catch(this.onFailure)
      .finally(() => {
        this.outage = undefined;
      });
  }

  /** Closes every connection, and presents the wrong certificate to new ones for some time. Only with TLS. */
  presentWrong({ trusted, wrong }: ReceiverCertificates, durationMs: number): void {
    const { server } = this;
    if (!this.isOpen || !(server instanceof TlsServer)) return;
    server.setSecureContext(wrong);
    server.closeAllConnections();
    this.outage = delay(durationMs, undefined, { signal: this.closing })
      .catch(() => undefined)
      .finally(() => {
        server.setSecureContext(trusted);
        this.outage = undefined;
      });
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.outage;
    if (this.server.listening) await this.stopListening();
  }

  private async stayDown(downMs: number): Promise<void> {
    const { port } = this.server.address() as AddressInfo;
    await this.stopListening();
    const { signal } = this.abort;
    const ended = await delay(downMs, false, { signal }).catch(() => true);
    if (!ended) await this.listenAgain(port);
  }

  /** Another connection of this machine may use the port as its own for a moment. */
  private async listenAgain(port: number): Promise<void> {
    const deadlineMs = Date.now() + MAX_REOPEN_MS;
    for (;;) {
      try {
        await this.listen(port);
        return;
      } catch (error) {
        if (Date.now() >= deadlineMs || this.abort.signal.aborted) throw error;
        await delay(REOPEN_INTERVAL_MS);
      }
    }
  }

  private async stopListening(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
