import { randomUUID } from 'node:crypto';
import { AwsError } from '../emulated-service.ts';
import { Buckets } from './bucket.ts';
import {
  emptyResponse,
  errorResponse,
  type S3Headers,
  type S3Request,
  type S3Response,
  s3Error,
  s3NotEmulated,
} from './s3-messages.ts';
import { objectHeaders, readObject } from './stored-object.ts';

/** Settings of an {@link S3}. */
export interface S3Options {
  /** `us-east-1` by default. */
  readonly region?: string;
  /** Limit of all objects together, in bytes; 256 MiB by default. */
  readonly maxStoredBytes?: number;
}

const OPERATIONS = [
  'CreateBucket',
  'HeadBucket',
  'DeleteBucket',
  'PutObject',
  'GetObject',
  'HeadObject',
  'DeleteObject',
];
/** Headers that change what a request means. Checksums, which SDKs send by default, are accepted unverified. */
const AMZ_HEADERS = /^x-amz-(date|content-sha256|security-token|user-agent|meta-.+|(sdk-)?checksum-.+)$/;
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'range'];
/** The name of the operation, which the JavaScript SDK sends, and the signature of a presigned URL. */
const QUERY_PARAMETERS = /^x-(id|amz-.+)$/i;

/**
 * Amazon S3 in memory, with path-style URLs: create, look up and delete buckets; put, get, look up and delete objects.
 * There are no listings, versions, multipart uploads, conditions or permissions.
 */
export class S3 {
  private readonly region: string;
  private readonly buckets: Buckets;

  constructor({ region = 'us-east-1', maxStoredBytes }: S3Options = {}) {
    this.region = region;
    this.buckets = new Buckets(maxStoredBytes);
  }

  /** Bytes of keys, bodies, headers and overhead. */
  get storedBytes(): number {
    return this.buckets.storedBytes;
  }

  /** Handles one request. Errors are also returned as responses. */
  handle(request: S3Request): S3Response {
    const response = this.answer(request);
    // RFC 9110, 8.6: a 204 has no Content-Length, and HEAD's is that of the body that GET would send.
    const isBare = request.method === 'HEAD' || response.status === 204;
    const headers = {
      ...(isBare ? {} : { 'content-length': String(Buffer.byteLength(response.body)) }),
      ...response.headers,
      'x-amz-request-id': randomUUID(),
    };
    return { status: response.status, headers, body: request.method === 'HEAD' ? '' : response.body };
  }

  private answer(request: S3Request): S3Response {
    try {
      const { bucket, key } = parsePath(request.path);
      refuseUnsupported(request);
      return key === '' ? this.onBucket(request, bucket) : this.onObject(request, bucket, key);
    } catch (error) {
      if (error instanceof AwsError) return errorResponse(error);
      throw error;
    }
  }

  private onBucket(request: S3Request, name: string): S3Response {
    switch (request.method) {
      case 'PUT':
        this.buckets.create(name);
        return emptyResponse(200, { location: `/${name}` });
      case 'HEAD':
        this.buckets.get(name);
        return emptyResponse(200, { 'x-amz-bucket-region': this.region });
      case 'DELETE':
        this.buckets.delete(name);
        return emptyResponse(204);
      case 'GET':
        this.buckets.get(name);
        throw operationNotEmulated('ListObjects');
      default:
        throw operationNotEmulated(`${request.method} of a bucket`);
    }
  }

  private onObject(request: S3Request, bucketName: string, key: string): S3Response {
    const bucket = this.buckets.get(bucketName);
    switch (request.method) {
      case 'PUT': {
        const object = readObject(request.headers, request.body);
        this.buckets.put(bucketName, key, object);
        return emptyResponse(200, { etag: object.etag });
      }
      case 'GET':
      case 'HEAD': {
        const object = bucket.get(key);
        if (object === undefined)
          throw s3Error('NoSuchKey', 404, 'The specified key does not exist.', { Key: key });
        return { status: 200, headers: objectHeaders(object), body: object.body };
      }
      case 'DELETE':
        this.buckets.deleteObject(bucketName, key);
        return emptyResponse(204);
      default:
        throw operationNotEmulated(`${request.method} of an object`);
    }
  }
}

/** Bucket and key of a path, decoded. The key is empty for the path of a bucket. */
function parsePath(path: string): { bucket: string; key: string } {
  const match = /^\/(?<bucket>[^/]+)(?:\/(?<key>.*))?$/s.exec(path);
  if (match === null) throw operationNotEmulated('ListBuckets');
  try {
    return {
      bucket: decodeURIComponent(match.groups?.bucket ?? ''),
      key: decodeURIComponent(match.groups?.key ?? ''),
    };
  } catch (error) {
    throw s3Error('InvalidURI', 400, `Couldn't parse the path '${path}': ${String(error)}.`);
  }
}

function refuseUnsupported({ method, query, headers }: S3Request): void {
  for (const name of query.keys()) {
    if (QUERY_PARAMETERS.test(name)) continue;
    if (method === 'GET' && name === 'list-type') throw operationNotEmulated('ListObjectsV2');
    throw s3NotEmulated({ kind: 'query parameter', name });
  }
  if (isChunked(headers))
    throw s3NotEmulated({ kind: 'content encoding', name: 'aws-chunked', supported: ['plain bodies'] });
  for (const name of Object.keys(headers)) {
    if (CONDITIONS.includes(name) || (name.startsWith('x-amz-') && !AMZ_HEADERS.test(name)))
      throw s3NotEmulated({ kind: 'header', name });
  }
}

/** SDKs frame a body in chunks when they cannot know its checksum in advance: for a stream, or over HTTPS. */
function isChunked(headers: S3Headers): boolean {
  const encodings = headers['content-encoding'] ?? '';
  return (
    encodings.includes('aws-chunked') || (headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-')
  );
}

function operationNotEmulated(name: string): AwsError {
  return s3NotEmulated({ kind: 'operation', name, supported: OPERATIONS });
}
