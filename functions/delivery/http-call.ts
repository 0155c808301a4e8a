import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { TLSSocket } from 'node:tls';
import { redact } from '../../lib/events/redaction.ts';
import {
  type AddressPolicy,
  AddressRefusedError,
  checkedLookup,
  hostOf,
  type Resolver,
  urlProblem,
} from './addresses.ts';

/** Connections per host. Further calls wait, within their timeout. An invocation makes one call at a time. */
const MAX_SOCKETS = 8;
/**
 * A connection that was idle for longer is not used again. Many servers close theirs after 5 s, and while Lambda has
 * stopped the process, that is not noticed.
 */
const MAX_IDLE_MS = 4_000;
/** Bytes of a response that are read by default. */
const MAX_ANSWER_BYTES = 1_024;
/** Longest message of a failure. A certificate can have many names. */
const MAX_MESSAGE_CHARACTERS = 500;

/** An HTTP request with the method POST. */
export interface Call {
  readonly url: URL;
  /** All headers except `host`, `connection` and `content-length`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /**
   * Bytes of the response that are read.
   *
   * @default 1024
   */
  readonly maxAnswerBytes?: number;
}

/** The outcome of a call. */
export type CallResult =
  | {
      /** The status has arrived, even if the rest of the response has not. */
      readonly kind: 'answer';
      readonly status: number;
      /** The `Retry-After` header. */
      readonly retryAfter?: string;
      /** The beginning of the response body. It is not redacted. */
      readonly text: string;
    }
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'address' | 'certificate' | 'network';
      /** Contains no secrets, and only the host of the URL. */
      readonly message: string;
      /** Whether the destination may have received the request. */
      readonly mayHaveArrived: boolean;
    };

/** Options of {@link HttpCaller}. */
export interface HttpCallerOptions {
  /** Which addresses are allowed. */
  readonly addresses: AddressPolicy;
  /** Maximum time of a call in milliseconds: DNS, connection, TLS and response. */
  readonly timeoutMs: number;
  /**
   * Certificate authorities in PEM format.
   *
   * @default - those of Node.js
   */
  readonly ca?: string;
  /** @default - the resolver of the operating system */
  readonly resolve?: Resolver;
}

/**
 * Makes HTTPS calls to destinations that customers configure. The address of each connection is checked, certificates
 * are always verified, and redirects are not followed: the 3xx is the response. Connections are kept alive and reused.
 */
export class HttpCaller {
  private readonly options: HttpCallerOptions;
  private readonly lookup: LookupFunction;
  private readonly http = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  private readonly https: HttpsAgent;
  /** Time of the last response in epoch milliseconds. */
  private readonly answeredAtMs = new WeakMap<object, number>();

  constructor(options: HttpCallerOptions) {
    this.options = options;
    this.lookup = checkedLookup(options.addresses, options.resolve);
    this.https = new HttpsAgent({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      minVersion: 'TLSv1.2',
      // Otherwise NODE_TLS_REJECT_UNAUTHORIZED could turn the verification off.
      rejectUnauthorized: true,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
  }

  /** Makes a call. Never rejects. */
  async post(call: Call): Promise<CallResult> {
    const problem = urlProblem(call.url, this.options.addresses);
    if (problem !== undefined) return failed('address', `The URL of ${call.url.host} ${problem}`, false);
    this.closeIdleSockets();
    try {
      return await this.exchange(call);
    } catch (error) {
      // Node.js refuses the request, for example because of a character in a header.
      return failed('network', `No request to ${call.url.host} is possible: ${messageOf(error)}`, false);
    }
  }

  /** Closes all connections. */
  close(): void {
    this.http.destroy();
    this.https.destroy();
  }

  private exchange(call: Call): Promise<CallResult> {
    const { host } = call.url;
    const { timeoutMs } = this.options;
    return new Promise((resolve) => {
      const request = this.request(call);
      const connection = { mayHaveArrived: false };
      let answer: PartialAnswer | undefined;
      const settle = (failure: () => CallResult) => resolve(answer ? answer.result() : failure());
      const timer = setTimeout(() => {
        const message = `${host} did not respond within ${timeoutMs} ms`;
        settle(() => failed('timeout', message, connection.mayHaveArrived));
        request.destroy();
      }, timeoutMs);
      const closed = () => failed('network', `${host} closed the connection`, connection.mayHaveArrived);
      request
        .on('socket', (socket) => observe(socket, connection))
        .on('response', (response) => {
          if (request.socket) this.answeredAtMs.set(request.socket, Date.now());
          answer = new PartialAnswer(response, call.maxAnswerBytes ?? MAX_ANSWER_BYTES);
          response.on('end', () => settle(closed));
        })
        .on('error', (error) => settle(() => failure(error, request, host, connection.mayHaveArrived)))
        .on('close', () => {
          // Not earlier: the response can be complete before the request is, and the rest of the request may hang.
          clearTimeout(timer);
          settle(closed);
        })
        .end(call.body);
    });
  }

  private request({ url, headers, body }: Call): ClientRequest {
    const host = hostOf(url);
    const isTls = url.protocol === 'https:';
    return (isTls ? requestHttps : requestHttp)({
      method: 'POST',
      protocol: url.protocol,
      hostname: host,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      agent: isTls ? this.https : this.http,
      lookup: this.lookup,
      // An IP address is not a server name (RFC 6066, section 3). It is still compared with the certificate.
      ...(isTls ? { servername: isIP(host) === 0 ? host : '' } : {}),
    });
  }

  private closeIdleSockets(): void {
    const oldestMs = Date.now() - MAX_IDLE_MS;
    for (const { freeSockets } of [this.http, this.https]) {
      for (const socket of Object.values(freeSockets).flatMap((sockets = []) => sockets)) {
        if ((this.answeredAtMs.get(socket) ?? 0) < oldestMs) socket.destroy();
      }
    }
  }
}

/** The response as far as it has been read. */
class PartialAnswer {
  private readonly response: IncomingMessage;
  private readonly decoder = new StringDecoder('utf8');
  private text = '';

  /** @param maxBytes - if the body is longer, the connection is closed */
  constructor(response: IncomingMessage, maxBytes: number) {
    this.response = response;
    let left = maxBytes;
    response.on('data', (chunk: Buffer) => {
      // An incomplete character at the end is dropped.
      this.text += this.decoder.write(chunk.subarray(0, left));
      if (chunk.length > left) response.destroy();
      left = Math.max(0, left - chunk.length);
    });
    // The connection may break after the status. The status still counts.
    response.on('error', () => {});
  }

  result(): CallResult {
    const { statusCode = 0, headers } = this.response;
    const retryAfter = headers['retry-after'];
    return {
      kind: 'answer',
      status: statusCode,
      ...(retryAfter === undefined ? {} : { retryAfter }),
      text: this.text,
    };
  }
}

/** A request is written once the connection is established, with TLS once the certificate is verified. */
function observe(socket: Socket, connection: { mayHaveArrived: boolean }): void {
  const isTls = socket instanceof TLSSocket;
  const isConnected = isTls ? socket.authorized : !socket.connecting;
  connection.mayHaveArrived = isConnected && !socket.destroyed;
  if (!connection.mayHaveArrived)
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      connection.mayHaveArrived = true;
    });
}

function failure(error: Error, { socket }: ClientRequest, host: string, mayHaveArrived: boolean): CallResult {
  if (error instanceof AddressRefusedError) return failed('address', error.message, mayHaveArrived);
  if (socket instanceof TLSSocket && socket.authorizationError)
    return failed(
      'certificate',
      `The certificate of ${host} is refused: ${messageOf(error)}`,
      mayHaveArrived,
    );
  return failed('network', `The connection to ${host} failed: ${messageOf(error)}`, mayHaveArrived);
}

/** If all addresses of a host have failed, the error has only a code. */
function messageOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || String(code);
}

function failed(
  reason: Extract<CallResult, { kind: 'failed' }>['reason'],
  message: string,
  mayHaveArrived: boolean,
): CallResult {
  return {
    kind: 'failed',
    reason,
    message: redact(message).slice(0, MAX_MESSAGE_CHARACTERS),
    mayHaveArrived,
  };
}
