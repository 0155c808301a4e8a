import type { Emulator } from 'switchboard-local/emulator/emulator.ts';

/** The JSON object that a reference on the bus points to. Undefined if it does not exist. */
export function readObject(emulator: Pick<Emulator, 's3'>, bucket: string, key: string): unknown {
  const { status, body } = emulator.s3.handle({
    method: 'GET',
    path: `/${bucket}/${key}`,
    query: new URLSearchParams(),
    headers: {},
    body: new Uint8Array(),
  });
  return status === 200 ? JSON.parse(Buffer.from(body as Uint8Array).toString('utf8')) : undefined;
}
