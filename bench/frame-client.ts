import { fork } from 'node:child_process';
import { once } from 'node:events';
import WebSocket from 'ws';
import { type FormatName, frameCount } from './wire-formats.ts';

/** Frames that a server sends. */
export interface FrameServer {
  url(format: FormatName, events: number): string;
  close(): void;
}

/** Starts the frame server in a separate process, so that its CPU time is not measured. */
export async function startFrameServer(): Promise<FrameServer> {
  const server = fork(new URL('./frame-server.ts', import.meta.url), { stdio: 'inherit', execArgv: [] });
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  return {
    url: (format, events) => `ws://127.0.0.1:${port}/${encodeURIComponent(format)}/${events}`,
    close: () => server.disconnect(),
  };
}

/** Reads the frames of `events` events with `ws` and passes each to `onFrame`. */
export function readFrames(
  url: string,
  { format, events }: { format: FormatName; events: number },
  onFrame: (data: Buffer, isBinary: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    let left = frameCount(format, events);
    socket.on('error', reject);
    socket.on('message', (data, isBinary) => {
      onFrame(data as Buffer, isBinary);
      left--;
      if (left > 0) return;
      socket.close();
      resolve();
    });
  });
}
