import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { announceSecret } from 'switchboard-local/announcements.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';

/** A response. `reset` breaks the connection, and `never` sends no response. */
export type Answer =
  | { status?: number; headers?: Record<string, string>; body?: unknown; text?: string }
  | 'reset'
  | 'never';

/** A request received by the server. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export const CREDENTIALS = { clientId: 'client-1', clientSecret: 'the-s3cret-of-client-1' } as const;
/** Creates a response of the token endpoint. */
export function tokenAnswer(accessToken: string, expiresInSeconds = 86_400): Answer {
  announceSecret(accessToken);
  return { body: { access_token: accessToken, token_type: 'bearer', expires_in: expiresInSeconds } };
}

/**
 * An HTTP server on the loopback interface. It sends the given answers in order and repeats the last one. Without
 * `tokenAnswers`, the token endpoint issues `token-1`, `token-2`, and so on.
 */
export class TestServer {
  answers: Answer[] = [{ body: {} }];
  tokenAnswers: Answer[] | undefined;
  readonly requests: SeenRequest[] = [];
  readonly tokenRequests: SeenRequest[] = [];
  onRequest: (request: SeenRequest) => void = () => {};
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  static async start(): Promise<TestServer> {
    const server = new TestServer();
    await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The server is not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Creates a token source that uses this server. */
  tokens(): TokenSource {
    announceSecret(CREDENTIALS.clientSecret);
    return new TokenSource({ loginUrl: this.url, credentials: async () => CREDENTIALS });
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const isToken = url === '/oauth/token';
    const seen = isToken ? this.tokenRequests : this.requests;
    seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const answers = isToken ? (this.tokenAnswers ?? [tokenAnswer(`token-${seen.length}`)]) : this.answers;
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    this.onRequest(seen.at(-1) as SeenRequest);
    if (answer === 'never') return;
    if (answer === 'reset' || answer === undefined) {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status ?? 200, answer.headers);
    response.end(answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)));
  }
}

/**
 * Creates a `fetch` function that returns the given answers in order without a network, for tests with fake timers.
 *
 * @returns the function and the times of its calls
 */
export function answering(...answers: Exclude<Answer, string>[]): { fetch: typeof fetch; times: number[] } {
  const times: number[] = [];
  return {
    times,
    fetch: async () => {
      const { status = 200, headers = {}, body } = answers[Math.min(times.length, answers.length - 1)] ?? {};
      times.push(Date.now());
      return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
    },
  };
}
