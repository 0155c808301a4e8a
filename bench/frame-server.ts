import { setImmediate as nextTurn } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { eventSource } from './frame-source.ts';
import { type FormatName, WIRE_FORMATS } from './wire-formats.ts';

/** Unsent bytes above which the server waits for the client. */
const MAX_UNSENT_BYTES = 8 * 1_048_576;
/** Events sent between two checks of the unsent bytes. */
const BURST_EVENTS = 200;

// Runs as a separate process. For /<wire format>/<events> it sends so many events as fast as the client reads them.
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('listening', () => process.send?.(server.address()));
let seed = 1;
server.on('connection', (socket, request) => {
  const [, format = '', events] = new URL(request.url ?? '/', 'ws://localhost').pathname.split('/');
  socket.on('error', () => socket.terminate());
  void serve(socket, decodeURIComponent(format) as FormatName, { events: Number(events), seed: seed++ });
});
process.on('disconnect', () => process.exit(0));

async function serve(
  socket: WebSocket,
  format: FormatName,
  { events, seed: runSeed }: { events: number; seed: number },
): Promise<void> {
  const { first, eventsPerFrame, encode } = WIRE_FORMATS[format];
  for (const message of first) socket.send(JSON.stringify(message));
  const next = eventSource(runSeed);
  for (let sent = 0; sent < events && socket.readyState === socket.OPEN; ) {
    while (socket.bufferedAmount > MAX_UNSENT_BYTES) await nextTurn();
    for (const end = Math.min(events, sent + BURST_EVENTS); sent < end; sent += eventsPerFrame)
      socket.send(encode(Array.from({ length: eventsPerFrame }, next), sent + 1));
    await nextTurn();
  }
}
