import { setImmediate as nextTurn } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { frameSource } from './frame-source.ts';

/** Unsent bytes above which the server waits for the client. */
const MAX_UNSENT_BYTES = 8 * 1_048_576;
/** Frames sent between two checks of the unsent bytes. */
const BURST_FRAMES = 200;
const PONG = JSON.stringify({ topicName: 'channel.metadata', eventBody: { message: 'pong' } });

// Runs as a separate process. Sends the number of frames in the URL path as fast as the client reads them.
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('listening', () => process.send?.(server.address()));
let seed = 1;
server.on('connection', (socket, request) => {
  const events = Number(request.url?.slice(1));
  socket.on('error', () => socket.terminate());
  socket.once('message', () => void serve(socket, events, seed++));
});
process.on('disconnect', () => process.exit(0));

async function serve(socket: WebSocket, events: number, runSeed: number): Promise<void> {
  socket.send(PONG);
  const next = frameSource(runSeed);
  for (let sent = 0; sent < events && socket.readyState === socket.OPEN; ) {
    while (socket.bufferedAmount > MAX_UNSENT_BYTES) await nextTurn();
    for (const end = Math.min(events, sent + BURST_FRAMES); sent < end; sent++) socket.send(next());
    await nextTurn();
  }
}
