import { type Frame, serialOf } from 'switchboard-local/simulator/frame.ts';
import type { Listening } from 'switchboard-local/simulator/simulator.ts';
import { expect } from 'vitest';
import { WebSocket } from 'ws';

export interface JsonResponse {
  readonly status: number;
  readonly headers: Headers;
  // Bodies are read without a schema, as clients do.
  readonly body: Record<string, never> & {
    readonly [name: string]: unknown;
  };
}

export interface ChannelBody {
  readonly id: string;
  readonly connectUri: string;
  readonly expires: string;
}

/** A minimal client of the platform that uses only `fetch` and `ws`. */
export class CloudClient {
  readonly url: string;
  token = '';

  constructor(cloud: Pick<Listening, 'url'>) {
    this.url = cloud.url;
  }

  async login(clientId = 'simulator-client', clientSecret = 'simulator-secret'): Promise<JsonResponse> {
    const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const response = await read(
      await fetch(`${this.url}/oauth/token`, {
        method: 'POST',
        headers: {
          Authorization: `Basic ${credentials}`,
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      }),
    );
    this.token = String(response.body.access_token ?? '');
    return response;
  }

  async call(method: string, path: string, body?: unknown, token = this.token): Promise<JsonResponse> {
    return read(
      await fetch(`${this.url}${path}`, {
        method,
        headers: {
          ...(token === '' ? {} : { Authorization: `bearer ${token}` }),
          'Content-Type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  }

  async createChannel(): Promise<ChannelBody> {
    return (await this.call('POST', '/api/v2/notifications/channels')).body as unknown as ChannelBody;
  }

  async subscribe(channel: ChannelBody, topics: readonly string[], query = ''): Promise<JsonResponse> {
    const path = `/api/v2/notifications/channels/${channel.id}/subscriptions${query}`;
    return this.call(
      'PUT',
      path,
      topics.map((id) => ({ id })),
    );
  }

  /** Creates a channel, subscribes it to topics, and opens a socket. */
  async open(
    topics: readonly string[],
    options: ClientSocketOptions = {},
  ): Promise<{ channel: ChannelBody; socket: ClientSocket }> {
    const channel = await this.createChannel();
    await this.subscribe(channel, topics);
    return { channel, socket: await ClientSocket.connect(channel.connectUri, options) };
  }
}

async function read(response: Response): Promise<JsonResponse> {
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as JsonResponse['body'];
  return { status: response.status, headers: response.headers, body };
}

/** Options of {@link ClientSocket}. */
export interface ClientSocketOptions {
  readonly maxPayload?: number;
  /** Called with every event. The first ones can come with the answer to the upgrade, before `connect` resolves. */
  readonly onFrame?: (frame: Frame) => void;
}

/** A WebSocket that records everything it receives. */
export class ClientSocket {
  readonly ws: WebSocket;
  readonly texts: string[] = [];
  readonly binaries: Buffer[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(uri: string, { maxPayload, onFrame }: ClientSocketOptions = {}) {
    this.ws = new WebSocket(uri, maxPayload === undefined ? {} : { maxPayload });
    this.ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        this.binaries.push(data);
        return;
      }
      const text = data.toString('utf8');
      this.texts.push(text);
      const frame = frameOf(text);
      if (frame !== undefined) onFrame?.(frame);
    });
    this.ws.on('error', () => {});
    this.ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  /** @throws Error whose message has the HTTP status, if the upgrade is rejected */
  static async connect(uri: string, options: ClientSocketOptions = {}): Promise<ClientSocket> {
    const socket = new ClientSocket(uri, options);
    await new Promise((resolve, reject) => {
      socket.ws.once('open', resolve);
      socket.ws.once('error', reject);
    });
    return socket;
  }

  get messages(): Record<string, unknown>[] {
    return this.texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  /** Event frames, without system frames. */
  get events(): Frame[] {
    return this.texts.map(frameOf).filter((frame) => frame !== undefined);
  }

  /** Serial numbers of the events. */
  get keys(): (number | undefined)[] {
    return this.events.map(serialOf);
  }
}

function frameOf(text: string): Frame | undefined {
  let value: Partial<Frame> | null;
  try {
    value = JSON.parse(text) as Partial<Frame> | null;
  } catch {
    return undefined;
  }
  if (typeof value?.topicName !== 'string' || typeof value.eventBody !== 'object') return undefined;
  if (value.topicName.startsWith('v2.system.') || value.topicName === 'channel.metadata') return undefined;
  return value as Frame;
}

/** A frame of a topic. `n` makes its body distinct. */
export function frameNumber(topicName: string, n: number): Frame {
  return { topicName, version: '2', eventBody: { n }, metadata: { CorrelationId: 'one' } };
}

/** Polls `read` until its value meets the expectation. The timeout only ends a broken test. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { interval: 5, timeout: 15_000 });
}
