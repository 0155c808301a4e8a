import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { TestProject } from 'vitest/node';
import type { EndpointKind } from './differences.ts';

/** What the suite runs against. */
export interface Endpoint {
  readonly url: string;
  readonly kind: EndpointKind;
}

declare module 'vitest' {
  export interface ProvidedContext {
    endpoint: Endpoint;
  }
}

/** Timeout for identifying an endpoint. */
const DETECTION_TIMEOUT_MS = 5_000;

/** Uses the endpoint of `AWS_ENDPOINT_URL`. Without one, starts an emulator and closes it afterwards. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.AWS_ENDPOINT_URL;
  if (given !== undefined && given !== '') {
    project.provide('endpoint', { url: given, kind: await kindOf(given) });
    return async () => undefined;
  }
  const emulator = new Emulator();
  const { url } = await emulator.listen();
  project.provide('endpoint', { url, kind: 'emulator' });
  return () => emulator.close();
}

async function kindOf(url: string): Promise<EndpointKind> {
  const answers = async (path: string) => {
    const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(DETECTION_TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  };
  if (await answers('/_ministack/health')) return 'ministack';
  return (await answers('/_health')) ? 'emulator' : 'other';
}
