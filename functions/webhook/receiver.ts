import { randomUUID } from 'node:crypto';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../../lib/aws/logger.ts';
import type { WebhookMetricName } from '../../lib/aws/metric-names.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { MAX_ITEM_BYTES } from '../../lib/events/item.ts';
import { readDelivery } from './delivered-event.ts';
import { isSigned } from './signature.ts';
import type { SigningKeys } from './signing-keys.ts';

/**
 * Largest body. Even if it cannot be compressed and Base64 adds a third to its size, it fits into a message with a
 * margin of 1%.
 */
export const MAX_BODY_BYTES = Math.floor((MAX_ITEM_BYTES * 3 * 0.99) / 4);
/** Time for all calls to AWS. The sender gives up after 10 s. */
export const RESPONSE_LIMIT_MS = 8_000;
/** A hint for the sender, which decides on its own when to retry. */
const RETRY_AFTER_SECONDS = 1;

/** A request, independent of how it was delivered. */
export interface DeliveryRequest {
  readonly method: string;
  /** Value of the signature header. */
  readonly signature: string | undefined;
  /** Size of the body. */
  readonly bytes: number;
  /** The exact bytes of the body. Called only if the size is within the limit. */
  readonly body: () => Buffer;
}

/** A response, and the metric that counts it. */
export interface DeliveryResponse {
  readonly status: number;
  readonly metric: WebhookMetricName;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const RESPONSES = {
  accepted: { status: 202, metric: 'EventsAccepted' },
  rejected: { status: 202, metric: 'FramesRejected' },
  not_json: { status: 400, metric: 'BodiesNotJson', message: 'The body is not JSON.' },
  no_signature: { status: 401, metric: 'SignaturesMissing', message: 'The signature is missing or wrong.' },
  wrong_signature: {
    status: 401,
    metric: 'SignaturesRejected',
    message: 'The signature is missing or wrong.',
  },
  not_post: {
    status: 405,
    metric: 'MethodsRefused',
    message: 'Only POST is supported.',
    headers: { allow: 'POST' },
  },
  too_large: {
    status: 413,
    metric: 'BodiesTooLarge',
    message: `The body is larger than ${MAX_BODY_BYTES} bytes.`,
  },
  failed: {
    status: 503,
    metric: 'RequestsFailed',
    message: 'The event was not accepted. Send it again.',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  },
} as const satisfies Record<string, DeliveryResponse>;

/** What a {@link Receiver} needs. */
export interface ReceiverOptions {
  readonly keys: SigningKeys;
  readonly sqs: SQSClient;
  readonly eventsQueueUrl: string;
  /** The content redaction, if configured. Events that arrive while its key cannot be read are not accepted. */
  readonly redaction: (signal: AbortSignal) => Promise<ContentRedaction | undefined>;
  readonly log: Log;
}

/**
 * Receives deliveries: checks the signature, and sends each event to the events queue in its own envelope. The response
 * is 202 only after SQS has accepted the event (P1). After any other response, or none, the sender sends the event
 * again with the same event id, so the consumer recognizes copies (P2).
 */
export class Receiver {
  private readonly options: ReceiverOptions;

  constructor(options: ReceiverOptions) {
    this.options = options;
  }

  /** Handles a request. Never rejects. */
  async receive(request: DeliveryRequest): Promise<DeliveryResponse> {
    if (request.method !== 'POST') return RESPONSES.not_post;
    if (request.bytes > MAX_BODY_BYTES) return RESPONSES.too_large;
    const { signature } = request;
    if (signature === undefined) return RESPONSES.no_signature;
    try {
      return await this.receiveBody(request.body(), signature);
    } catch (error) {
      this.options.log.error('a delivery was not accepted; the sender has to send it again', { error });
      return RESPONSES.failed;
    }
  }

  private async receiveBody(body: Buffer, signature: string): Promise<DeliveryResponse> {
    const signal = AbortSignal.timeout(RESPONSE_LIMIT_MS);
    if (!(await this.verify(body, signature, signal))) return RESPONSES.wrong_signature;
    const redaction = await this.options.redaction(signal);
    const delivered = readDelivery(body, new Date().toISOString(), redaction);
    if (delivered.kind === 'not_json') return RESPONSES.not_json;
    await this.send(delivered.item.json, signal);
    if (delivered.kind === 'event') return RESPONSES.accepted;
    const { reason } = delivered;
    this.options.log.warn('a signed body contains no usable event; it is sent to the quarantine queue', {
      reason,
      bytes: body.length,
    });
    return RESPONSES.rejected;
  }

  private async verify(body: Buffer, signature: string, signal: AbortSignal): Promise<boolean> {
    const { keys } = this.options;
    const cached = await keys.get(signal);
    if (isSigned(body, signature, cached)) return true;
    const newer = await keys.newerThan(cached, signal);
    return newer !== undefined && isSigned(body, signature, newer);
  }

  private async send(item: string, abortSignal: AbortSignal): Promise<void> {
    const id = randomUUID();
    const MessageBody = encodeEnvelope({ id, owner: id, sentAt: new Date().toISOString() }, [item]);
    const { sqs, eventsQueueUrl } = this.options;
    await sqs.send(new SendMessageCommand({ QueueUrl: eventsQueueUrl, MessageBody }), { abortSignal });
  }
}
