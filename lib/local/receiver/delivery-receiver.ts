import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { announceSecret } from '../announcements.ts';
import { CallConnections, reset, settle } from './call-connections.ts';
import { type DeliveryCall, DeliveryLedger } from './delivery-ledger.ts';
import { readBody, requestProblem, singleHeaders } from './delivery-request.ts';
import type { ReceiverCertificates } from './receiver-certificates.ts';
import type { ReceiverFault, ReceiverFaults } from './receiver-faults.ts';
import { ReceiverPort } from './receiver-port.ts';
import { signatureProblem } from './webhook-signature-check.ts';

/** Longer than the sender's default timeout of 5 s. */
const DEFAULT_SLOW_MS = 6_000;
const DEFAULT_BURST_MS = 1_000;
const DEFAULT_DOWN_MS = 1_000;
const DEFAULT_RETRY_AFTER_SECONDS = 2;

export interface DeliveryReceiverOptions {
  /** With these certificates, the receiver uses TLS. */
  readonly certificates?: ReceiverCertificates;
  /** The key of Standard Webhooks in Base64, with or without `whsec_`. Without it, signatures are not checked. */
  readonly secret?: string;
  readonly faults?: ReceiverFaults;
  /** How long the response of `slow` takes, in ms; 6,000 by default. */
  readonly slowMs?: number;
  /** Duration of `burst_500`, in ms; 1,000 by default. */
  readonly burstMs?: number;
  /** Duration of `down`, in ms; 1,000 by default. */
  readonly downMs?: number;
  /** `Retry-After` of `answer_429`, in seconds; 2 by default. */
  readonly retryAfterSeconds?: number;
}

/** How a call is answered. */
interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A customer's system that receives events over HTTP on 127.0.0.1, with seeded faults. */
export class DeliveryReceiver {
  readonly ledger = new DeliveryLedger();
  private readonly options: DeliveryReceiverOptions;
  private readonly port: ReceiverPort;
  private readonly connections = new CallConnections();
  private readonly refused = new Map<string, number>();
  private burstUntilMs = 0;
  private heldUntilMs = 0;
  private isGone = false;
  private failure: Error | undefined;

  constructor(options: DeliveryReceiverOptions = {}) {
    this.options = options;
    if (options.secret !== undefined) announceSecret(options.secret);
    const fail = (error: unknown) => {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
    };
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      void this.receive(request, response).catch((error: unknown) => {
        fail(error);
        response.destroy();
      });
    };
    const { certificates } = options;
    const server = certificates ? createTlsServer(certificates.trusted, listener) : createServer(listener);
    this.port = new ReceiverPort(server, fail);
  }

  /** @param port - 0 for a free one @returns the URL to call */
  async listen(port = 0): Promise<{ readonly url: string }> {
    const scheme = this.options.certificates ? 'https' : 'http';
    return { url: `${scheme}://127.0.0.1:${await this.port.listen(port)}/events` };
  }

  /** Ends the state that `gone_410` began. */
  restore(): void {
    this.isGone = false;
  }

  /** Closes every connection. @throws the first error of the receiver itself, such as a full ledger */
  async close(): Promise<void> {
    await this.port.close();
    if (this.failure) throw this.failure;
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = Date.now();
    const body = await readBody(request);
    // The sender gave up before its request was complete.
    if (body === undefined) return;
    const call = this.record(request, body, atMs);
    response.on('finish', () => settle(call, 'complete'));
    response.on('close', () => settle(call, 'lost'));
    this.connections.called(request.socket, call, this.port);
    const isFirst = this.ledger.callsOf(call.key).length === 1;
    const standing = this.standingAnswer(call);
    if (standing) return this.answer(response, call, standing);
    const fault = this.options.faults?.draw(isFirst);
    if (fault) await this.meet(fault, request, response, call);
    else this.answerNormally(response, call);
  }

  private record(request: IncomingMessage, body: Buffer, atMs: number): DeliveryCall {
    const headers = singleHeaders(request);
    const { 'idempotency-key': key, 'webhook-id': id, authorization } = headers;
    if (authorization) announceSecret(authorization.slice(authorization.indexOf(' ') + 1));
    const { secret } = this.options;
    return this.ledger.arrived({
      key: key ?? id ?? '',
      atMs,
      body: body.toString(),
      problem: requestProblem(request, key, id, body),
      signatureProblem: secret === undefined ? undefined : signatureProblem({ headers, body }, secret, atMs),
    });
  }

  /** The response that an earlier fault still determines. */
  private standingAnswer({ key }: DeliveryCall): Answer | undefined {
    const nowMs = Date.now();
    if (this.isGone) return { status: 410 };
    if (nowMs < this.heldUntilMs) {
      const seconds = Math.ceil((this.heldUntilMs - nowMs) / 1_000);
      return { status: 429, headers: { 'retry-after': String(seconds) } };
    }
    if (nowMs < this.burstUntilMs) return { status: this.options.faults?.serverError() ?? 500 };
    const status = this.refused.get(key);
    return status === undefined ? undefined : { status };
  }

  private async meet(
    fault: ReceiverFault,
    request: IncomingMessage,
    response: ServerResponse,
    call: DeliveryCall,
  ): Promise<void> {
    const { slowMs = DEFAULT_SLOW_MS, burstMs = DEFAULT_BURST_MS } = this.options;
    switch (fault.kind) {
      case 'slow':
        return this.answerSlowly(response, call, slowMs);
      case 'answer_429':
        return this.answer(response, call, this.tooManyRequests(fault.form));
      case 'burst_500':
        this.burstUntilMs = Date.now() + burstMs;
        return this.answer(response, call, { status: fault.status });
      case 'half_closed':
        if (fault.processed) markProcessed(call);
        if (fault.reset) reset(request.socket);
        else request.socket.end();
        return;
      case 'garbage_answer':
        request.socket.end('220 crm.example ESMTP\r\n');
        return;
      case 'refused_4xx':
        this.refused.set(call.key, fault.status);
        return this.answer(response, call, { status: fault.status });
      case 'wrong_certificate': {
        const { certificates } = this.options;
        this.answerNormally(response, call);
        if (certificates) response.on('close', () => this.port.presentWrong(certificates, burstMs));
        return;
      }
      case 'down':
        this.answerNormally(response, call);
        response.on('close', () => this.port.goDown(this.options.downMs ?? DEFAULT_DOWN_MS));
        return;
      case 'gone_410':
        this.isGone = true;
        return this.answer(response, call, { status: 410 });
    }
  }

  private answerNormally(response: ServerResponse, call: DeliveryCall): void {
    markProcessed(call);
    const refusal = call.signatureProblem === undefined ? 400 : 401;
    this.answer(response, call, { status: call.processed ? 200 : refusal });
  }

  private answer(response: ServerResponse, call: DeliveryCall, { status, headers = {} }: Answer): void {
    call.status = status;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ status }));
  }

  /** Even if the response is sent, the sender is assumed to have given up. */
  private async answerSlowly(response: ServerResponse, call: DeliveryCall, slowMs: number): Promise<void> {
    const left = new AbortController();
    response.on('close', () => left.abort());
    markProcessed(call);
    const signal = AbortSignal.any([left.signal, this.port.closing]);
    const isOver = await delay(slowMs, true, { signal }).catch(() => false);
    settle(call, 'lost');
    if (isOver) this.answer(response, call, { status: 200 });
  }

  private tooManyRequests(form: 'seconds' | 'date' | 'none'): Answer {
    if (form === 'none') return { status: 429 };
    const fromMs = Date.now();
    const seconds = this.options.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS;
    // An HTTP date has no fraction of a second.
    const untilMs =
      form === 'seconds' ? fromMs + seconds * 1_000 : Math.ceil(fromMs / 1_000 + seconds) * 1_000;
    this.heldUntilMs = untilMs;
    this.ledger.holds.push({ fromMs, untilMs });
    const retryAfter = form === 'seconds' ? String(seconds) : new Date(untilMs).toUTCString();
    return { status: 429, headers: { 'retry-after': retryAfter } };
  }
}

function markProcessed(call: DeliveryCall): void {
  call.processed = call.signatureProblem === undefined && call.problem === undefined;
}
