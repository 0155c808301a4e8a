import { partition } from '@aws-sdk/core/client';
import { Sha256Node } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, Provider } from '@smithy/types';

/** Timeout for storing or reading an object. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Lowest HTTP status code of a server error. */
const MIN_SERVER_ERROR_STATUS = 500;
const TOO_MANY_REQUESTS_STATUS = 429;

/** Which permission a request needs. */
const PERMISSIONS = { GET: 's3:GetObject', PUT: 's3:PutObject' } as const;

interface ObjectRequest {
  readonly method: keyof typeof PERMISSIONS;
  readonly key: string;
  readonly contentType?: string;
  readonly body?: Buffer;
}

/** An object could not be stored in S3, or read from it. */
export class ObjectStoreError extends Error {
  readonly code = 'object_not_stored';
  readonly retriable: boolean;

  constructor(message: string, options: { retriable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ObjectStoreError';
    this.retriable = options.retriable;
  }
}

/** Options of {@link ObjectStore}. */
export interface ObjectStoreOptions {
  bucket: string;
  region: Provider<string>;
  credentials: Provider<AwsCredentialIdentity>;
  /**
   * Base URL of an emulator, which is addressed with path-style URLs.
   *
   * @default - AWS, addressed with virtual-hosted-style URLs
   */
  endpoint?: string | undefined;
  fetch?: typeof fetch;
}

/**
 * Stores and reads objects in an S3 bucket. It signs its own requests instead of using the SDK's S3 client, which would double
 * the size of the consumer bundle for a call that is needed for about one event in a million.
 */
export class ObjectStore {
  readonly bucket: string;
  private readonly options: ObjectStoreOptions;

  constructor(options: ObjectStoreOptions) {
    this.bucket = options.bucket;
    this.options = options;
  }

  /**
   * Stores JSON under a key and replaces any existing object.
   *
   * @param abort - ends the request
   * @throws {@link ObjectStoreError} if S3 rejects the request or does not respond within 10 seconds
   */
  async putJson(key: string, json: string, abort?: AbortSignal): Promise<void> {
    await this.put(key, Buffer.from(json), 'application/json', abort);
  }

  /**
   * Stores bytes under a key and replaces any existing object.
   *
   * @param abort - ends the request
   * @throws {@link ObjectStoreError} if S3 rejects the request or does not respond within 10 seconds
   */
  async put(key: string, body: Buffer, contentType: string, abort?: AbortSignal): Promise<void> {
    await this.send({ method: 'PUT', key, contentType, body }, abort);
  }

  /**
   * Reads an object that is a text.
   *
   * @param maxBytes - no more than this is read, regardless of the size of the object
   * @throws {@link ObjectStoreError} if S3 rejects the request or does not respond within 10 seconds, or if the object
   * is larger
   */
  async getText(key: string, maxBytes: number): Promise<string> {
    const { body } = await this.send({ method: 'GET', key });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body ?? []) {
        bytes += chunk.length;
        if (bytes > maxBytes) break;
        chunks.push(chunk);
      }
    } catch (cause) {
      const message = `The response of S3 for bucket ${this.bucket} was incomplete`;
      throw new ObjectStoreError(message, { retriable: true, cause });
    }
    if (bytes <= maxBytes) return Buffer.concat(chunks).toString();
    throw new ObjectStoreError(
      `The object ${key} in bucket ${this.bucket} is larger than ${maxBytes} bytes: check that it is the right object`,
      { retriable: false },
    );
  }

  private async send(
    { method, key, contentType, body }: ObjectRequest,
    abort?: AbortSignal,
  ): Promise<Response> {
    const { fetch: request = globalThis.fetch, bucket } = this.options;
    const url = await this.url(key);
    const headers = await this.sign(url, method, contentType, body);
    let response: Response;
    try {
      const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const signal = abort ? AbortSignal.any([abort, timeout]) : timeout;
      response = await request(url, {
        method,
        headers,
        signal,
        ...(body ? { body: new Uint8Array(body) } : {}),
      });
    } catch (cause) {
      throw new ObjectStoreError(`The request to S3 for bucket ${bucket} failed`, { retriable: true, cause });
    }
    if (response.ok) return response;
    const { status } = response;
    throw new ObjectStoreError(
      `S3 returned status ${status} for bucket ${bucket}: check that it exists and that ${PERMISSIONS[method]} is allowed`,
      { retriable: status >= MIN_SERVER_ERROR_STATUS || status === TOO_MANY_REQUESTS_STATUS },
    );
  }

  private async url(key: string): Promise<URL> {
    const { bucket, endpoint, region } = this.options;
    if (endpoint !== undefined) return new URL(`${endpoint}/${bucket}/${key}`);
    const name = await region();
    return new URL(`https://${bucket}.s3.${name}.${partition(name).dnsSuffix}/${key}`);
  }

  private async sign(
    url: URL,
    method: ObjectRequest['method'],
    contentType: string | undefined,
    body: Buffer | undefined,
  ): Promise<Record<string, string>> {
    const { region, credentials } = this.options;
    const signer = new SignatureV4({
      service: 's3',
      region: await region(),
      credentials,
      sha256: Sha256Node,
      uriEscapePath: false,
    });
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port ? { port: Number(url.port) } : {}),
      path: url.pathname,
      headers: { host: url.host, ...(contentType ? { 'content-type': contentType } : {}) },
      ...(body ? { body } : {}),
    });
    return signed.headers;
  }
}
