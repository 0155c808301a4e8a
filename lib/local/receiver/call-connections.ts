import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DeliveryCall } from './delivery-ledger.ts';
import type { ReceiverPort } from './receiver-port.ts';

/**
 * A sender that has read the response keeps its connection for longer than this, in ms: an agent of Node.js for 4 s. On
 * a busy machine, a sender closes it seconds after a response that it did not read in time.
 */
const MAX_ABANDONED_MS = 3_000;

/** The connections of the calls. */
export class CallConnections {
  /** The last call on each connection. */
  private readonly lastCalls = new WeakMap<Socket, DeliveryCall>();

  /** A response counts as lost if the sender closes the connection directly after it, instead of reusing it. */
  called(socket: Socket, call: DeliveryCall, port: ReceiverPort): void {
    const isWatched = this.lastCalls.has(socket);
    this.lastCalls.set(socket, call);
    if (isWatched) return;
    socket.once('close', () => {
      // The receiver itself closes connections when it goes down.
      if (!port.isOpen) return;
      const last = this.lastCalls.get(socket);
      if (last?.answeredAtMs !== undefined && Date.now() - last.answeredAtMs < MAX_ABANDONED_MS)
        last.answer = 'lost';
    });
  }
}

/** Notes how a call was answered, unless that is known. */
export function settle(call: DeliveryCall, answer: 'complete' | 'lost'): void {
  if (call.answer !== 'open') return;
  call.answer = answer;
  call.answeredAtMs = Date.now();
}

/** Ends a connection without a response. With TLS, Node.js cannot send a reset. */
export function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
