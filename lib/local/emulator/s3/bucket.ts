import { s3Error } from './s3-messages.ts';
import type { StoredObject } from './stored-object.ts';

/** Default limit of what all buckets hold together, in bytes of this process's memory. */
export const MAX_STORED_BYTES = 256 * 1_024 * 1_024;
/** What an object counts in addition to its key, headers and body, so that empty objects are bounded too. */
const OBJECT_OVERHEAD_BYTES = 512;
const MAX_BUCKETS = 100;
/** Longest key in bytes of UTF-8 (S3 user guide, object keys). */
const MAX_KEY_BYTES = 1_024;

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** A bucket's objects by key. */
export type Bucket = ReadonlyMap<string, StoredObject>;

/** All buckets, within one limit of memory. */
export class Buckets {
  private readonly buckets = new Map<string, Map<string, StoredObject>>();
  private readonly maxBytes: number;
  private bytes = 0;

  constructor(maxBytes: number = MAX_STORED_BYTES) {
    this.maxBytes = maxBytes;
  }

  /** Bytes of keys, bodies, headers and overhead. */
  get storedBytes(): number {
    return this.bytes;
  }

  create(name: string): void {
    const details = { BucketName: name };
    if (!BUCKET_NAME.test(name))
      throw s3Error(
        'InvalidBucketName',
        400,
        'The specified bucket is not valid: use 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends.',
        details,
      );
    if (this.buckets.has(name))
      throw s3Error(
        'BucketAlreadyOwnedByYou',
        409,
        'The bucket already exists and is owned by you.',
        details,
      );
    if (this.buckets.size >= MAX_BUCKETS)
      throw s3Error('TooManyBuckets', 400, `There can be ${MAX_BUCKETS} buckets. Delete one first.`);
    this.buckets.set(name, new Map());
  }

  /** @throws AwsError (NoSuchBucket) */
  get(name: string): Bucket {
    return this.find(name);
  }

  delete(name: string): void {
    if (this.find(name).size > 0)
      throw s3Error('BucketNotEmpty', 409, 'The bucket you tried to delete is not empty.', {
        BucketName: name,
      });
    this.buckets.delete(name);
  }

  put(bucketName: string, key: string, object: StoredObject): void {
    const bucket = this.find(bucketName);
    if (Buffer.byteLength(key) > MAX_KEY_BYTES)
      throw s3Error('KeyTooLongError', 400, `A key can have ${MAX_KEY_BYTES} bytes of UTF-8.`);
    const after = this.bytes - costBytes(key, bucket.get(key)) + costBytes(key, object);
    if (after > this.maxBytes)
      throw s3Error(
        'InsufficientStorage',
        507,
        `The emulator keeps at most ${this.maxBytes} bytes of objects in memory. Delete objects first.`,
      );
    this.bytes = after;
    bucket.set(key, object);
  }

  /** Succeeds for a key without an object, as in S3. */
  deleteObject(bucketName: string, key: string): void {
    const bucket = this.find(bucketName);
    this.bytes -= costBytes(key, bucket.get(key));
    bucket.delete(key);
  }

  private find(name: string): Map<string, StoredObject> {
    const bucket = this.buckets.get(name);
    if (bucket === undefined)
      throw s3Error('NoSuchBucket', 404, 'The specified bucket does not exist', { BucketName: name });
    return bucket;
  }
}

function costBytes(key: string, object: StoredObject | undefined): number {
  if (object === undefined) return 0;
  const headers = Object.entries(object.headers).flat().join('');
  return Buffer.byteLength(key) + object.body.length + headers.length + OBJECT_OVERHEAD_BYTES;
}
