import { Sha256Node } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, Provider } from '@smithy/types';

/** Time for S3 to take an object. */
const PUT_TIMEOUT_MS = 10_000;
const FIRST_TRANSIENT_STATUS = 500;
const TOO_MANY_REQUESTS = 429;

/** S3 did not take an object. */
export class ObjectStoreError extends Error {
  readonly code = 'object_not_stored';
  readonly retriable: boolean;

  constructor(message: string, options: { retriable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ObjectStoreError';
    this.retriable = options.retriable;
  }
}

/** What an object store needs. */
export interface ObjectStoreOptions {
  bucket: string;
  region: Provider<string>;
  credentials: Provider<AwsCredentialIdentity>;
  /** Base URL of a stand-in, addressed by path; default: AWS, addressed by host name. */
  endpoint?: string | undefined;
  fetch?: typeof fetch;
}

/**
 * Puts objects into one S3 bucket. One signed request: the S3 client would be as large as all else in the consumer
 * together, for a call that is made for one event in a million.
 */
export class ObjectStore {
  readonly bucket: string;
  private readonly options: ObjectStoreOptions;

  constructor(options: ObjectStoreOptions) {
    this.bucket = options.bucket;
    this.options = options;
  }

  /**
   * Store JSON under a key, replacing what was there.
   *
   * @param abort - ends the request
   * @throws {@link ObjectStoreError}
   */
  async putJson(key: string, json: string, abort?: AbortSignal): Promise<void> {
    const { bucket, endpoint, credentials } = this.options;
    const region = await this.options.region();
    const base =
      endpoint === undefined ? `https://${bucket}.s3.${region}.amazonaws.com` : `${endpoint}/${bucket}`;
    const url = new URL(`${base}/${key}`);
    const body = Buffer.from(json);
    const signer = new SignatureV4({
      service: 's3',
      region,
      credentials,
      sha256: Sha256Node,
      uriEscapePath: false,
    });
    const signed = await signer.sign({
      method: 'PUT',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port ? { port: Number(url.port) } : {}),
      path: url.pathname,
      headers: { host: url.host, 'content-type': 'application/json' },
      body,
    });
    await this.send(url, signed.headers, body, abort);
  }

  private async send(
    url: URL,
    headers: Record<string, string>,
    body: Buffer,
    abort?: AbortSignal,
  ): Promise<void> {
    const { fetch: request = globalThis.fetch, bucket } = this.options;
    let response: Response;
    try {
      const timeout = AbortSignal.timeout(PUT_TIMEOUT_MS);
      const signal = abort ? AbortSignal.any([abort, timeout]) : timeout;
      response = await request(url, { method: 'PUT', headers, body: new Uint8Array(body), signal });
    } catch (cause) {
      throw new ObjectStoreError(`The bucket ${bucket} could not be reached`, { retriable: true, cause });
    }
    if (response.ok) return;
    const { status } = response;
    throw new ObjectStoreError(
      `S3 answered ${status} for the bucket ${bucket}: check that it exists and that s3:PutObject is allowed`,
      { retriable: status >= FIRST_TRANSIENT_STATUS || status === TOO_MANY_REQUESTS },
    );
  }
}
