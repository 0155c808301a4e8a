import { randomUUID } from 'node:crypto';
import { type Bucket, Buckets } from './bucket.ts';
import { listObjects } from './list-objects.ts';
import { notImplemented, S3Error } from './s3-error.ts';
import { objectHeaders, readObject, type StoredObject } from './stored-object.ts';

/** HTTP headers of a request, names in lower case. */
export type S3Headers = Readonly<Record<string, string | undefined>>;

/** Settings of an {@link S3}. */
export interface S3Options {
  /** `us-east-1` by default. */
  region?: string;
  /** What all objects together may take, in bytes; by default `STORED_BYTES_MAX`, 256 MiB. */
  storedBytesMax?: number;
}

/** An HTTP request for S3. */
export interface S3Request {
  method: string;
  /** The path as it came, percent-encoded: `/bucket` or `/bucket/key`. */
  path: string;
  query: URLSearchParams;
  headers: S3Headers;
  body: Uint8Array;
}

/** The answer; a HEAD request's has no body, and `content-length` says what it would be. */
export interface S3Response {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** Query parameters that make another operation of a request, none of which is here. */
const OTHER_OPERATIONS = [
  'acl',
  'cors',
  'delete',
  'lifecycle',
  'location',
  'partNumber',
  'policy',
  'tagging',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
];

/**
 * A small path-style S3 in memory: CreateBucket, HeadBucket, DeleteBucket, PutObject, GetObject, HeadObject,
 * DeleteObject and ListObjectsV2. There are no versions, multipart uploads, ranges or permissions.
 */
export class S3 {
  readonly #region: string;
  readonly #buckets: Buckets;

  constructor({ region = 'us-east-1', storedBytesMax }: S3Options = {}) {
    this.#region = region;
    this.#buckets = new Buckets(storedBytesMax);
  }

  /** What keys, bodies and overhead take, in bytes. */
  get storedBytes(): number {
    return this.#buckets.storedBytes;
  }

  /** Answers one request; faults of the request are answers too. */
  handle(request: S3Request): S3Response {
    const response = this.#answer(request);
    // RFC 9110, 8.6: 204 has no Content-Length, and that of HEAD is the body's that GET would give.
    const isBare = request.method === 'HEAD' || response.status === 204;
    const headers = {
      ...(isBare ? {} : { 'content-length': String(Buffer.byteLength(response.body)) }),
      ...response.headers,
      'x-amz-request-id': randomUUID(),
    };
    return { status: response.status, headers, body: request.method === 'HEAD' ? '' : response.body };
  }

  #answer(request: S3Request): S3Response {
    try {
      const { bucket, key } = parsePath(request.path);
      const other = OTHER_OPERATIONS.find((name) => request.query.has(name));
      if (other !== undefined) throw notImplemented(`The operation ?${other}`);
      return key === '' ? this.#onBucket(request, bucket) : this.#onObject(request, bucket, key);
    } catch (error) {
      if (error instanceof S3Error) return error.toResponse();
      throw error;
    }
  }

  #onBucket(request: S3Request, name: string): S3Response {
    switch (request.method) {
      case 'PUT':
        this.#buckets.create(name);
        return empty(200, { location: `/${name}` });
      case 'HEAD':
        this.#buckets.get(name);
        return empty(200, { 'x-amz-bucket-region': this.#region });
      case 'GET':
        return listObjects(name, this.#buckets.get(name), request.query);
      case 'DELETE':
        this.#buckets.delete(name);
        return empty(204);
      default:
        throw notImplemented(`${request.method} of a bucket`);
    }
  }

  #onObject(request: S3Request, bucketName: string, key: string): S3Response {
    const bucket = this.#buckets.get(bucketName);
    switch (request.method) {
      case 'PUT': {
        if (request.headers['x-amz-copy-source'] !== undefined) throw notImplemented('CopyObject');
        checkPrecondition(request.headers, bucket, key);
        const object = readObject(request.headers, request.body);
        this.#buckets.put(bucketName, key, object);
        return empty(200, {
          etag: object.etag,
          'x-amz-checksum-crc32': object.crc32,
          'x-amz-checksum-type': 'FULL_OBJECT',
        });
      }
      case 'GET':
      case 'HEAD': {
        const object = findObject(bucket, key);
        return { status: 200, headers: objectHeaders(object, request.headers), body: object.body };
      }
      case 'DELETE':
        this.#buckets.deleteObject(bucketName, key);
        return empty(204);
      default:
        throw notImplemented(`${request.method} of an object`);
    }
  }
}

/** Bucket and key of a path, decoded; the key is empty where the path names a bucket alone. */
function parsePath(path: string): { bucket: string; key: string } {
  const match = /^\/(?<bucket>[^/]+)(?:\/(?<key>.*))?$/s.exec(path);
  if (match === null) throw notImplemented('A request without a bucket in its path');
  try {
    return {
      bucket: decodeURIComponent(match.groups?.bucket ?? ''),
      key: decodeURIComponent(match.groups?.key ?? ''),
    };
  } catch (error) {
    throw new S3Error('InvalidURI', 400, `Couldn't parse the path '${path}': ${String(error)}.`);
  }
}

function findObject(bucket: Bucket, key: string): StoredObject {
  const object = bucket.get(key);
  if (object === undefined)
    throw new S3Error('NoSuchKey', 404, 'The specified key does not exist.', { Key: key });
  return object;
}

/** `If-None-Match: *` writes only what is not there yet. */
function checkPrecondition(headers: S3Headers, bucket: Bucket, key: string): void {
  const condition = headers['if-none-match'];
  if (condition === undefined) return;
  if (condition !== '*') throw notImplemented('If-None-Match with anything but *');
  if (bucket.has(key))
    throw new S3Error('PreconditionFailed', 412, 'The object exists already.', {
      Condition: 'If-None-Match',
    });
}

function empty(status: number, headers: Record<string, string> = {}): S3Response {
  return { status, headers, body: '' };
}
