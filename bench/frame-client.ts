import { fork } from 'node:child_process';
import { once } from 'node:events';
import WebSocket from 'ws';

/** Starts the frame server in a separate process, so that its CPU time is not measured. */
export async function startFrameServer(): Promise<{ url: (events: number) => string; close: () => void }> {
  const server = fork(new URL('./frame-server.ts', import.meta.url), { stdio: 'inherit', execArgv: [] });
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  return { url: (events) => `ws://127.0.0.1:${port}/${events}`, close: () => server.disconnect() };
}

/** Reads `events` frames with `ws` and passes each to `onFrame`. */
export function readFrames(url: string, events: number, onFrame: (data: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    let left = events + 1;
    socket.on('open', () => socket.send('{"message":"ping"}'));
    socket.on('error', reject);
    socket.on('message', (data) => {
      onFrame(data as Buffer);
      left--;
      if (left > 0) return;
      socket.close();
      resolve();
    });
  });
}
