import { S3Error } from './s3-error.ts';
import type { StoredObject } from './stored-object.ts';

/** What all buckets of one S3 may hold together by default, in bytes: the memory of the process pays for it. */
export const STORED_BYTES_MAX = 256 * 1024 * 1024;
/** What an object counts beside its key and body, in bytes, so that empty objects are bounded too. */
export const OBJECT_OVERHEAD_BYTES = 512;
/** Most buckets. */
export const BUCKETS_MAX = 100;
/** Longest key, in bytes of UTF-8 (S3 user guide, object keys). */
export const KEY_BYTES_MAX = 1_024;

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** A bucket's objects by key. */
export type Bucket = ReadonlyMap<string, StoredObject>;

/** All buckets, and the limit of what they hold. */
export class Buckets {
  readonly #buckets = new Map<string, Map<string, StoredObject>>();
  readonly #storedBytesMax: number;
  #storedBytes = 0;

  constructor(storedBytesMax: number = STORED_BYTES_MAX) {
    this.#storedBytesMax = storedBytesMax;
  }

  /** What keys, bodies and overhead take, in bytes. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  create(name: string): void {
    if (!BUCKET_NAME.test(name))
      throw new S3Error(
        'InvalidBucketName',
        400,
        'The specified bucket is not valid: use 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends.',
        { BucketName: name },
      );
    if (this.#buckets.has(name))
      throw new S3Error('BucketAlreadyOwnedByYou', 409, 'The bucket exists already, and is yours.', {
        BucketName: name,
      });
    if (this.#buckets.size >= BUCKETS_MAX)
      throw new S3Error('TooManyBuckets', 400, `There can be ${BUCKETS_MAX} buckets: delete one first.`);
    this.#buckets.set(name, new Map());
  }

  /** @throws S3Error (NoSuchBucket) */
  get(name: string): Bucket {
    return this.#get(name);
  }

  delete(name: string): void {
    if (this.#get(name).size > 0)
      throw new S3Error('BucketNotEmpty', 409, 'The bucket you tried to delete is not empty.', {
        BucketName: name,
      });
    this.#buckets.delete(name);
  }

  put(bucketName: string, key: string, object: StoredObject): void {
    const bucket = this.#get(bucketName);
    if (Buffer.byteLength(key) > KEY_BYTES_MAX)
      throw new S3Error('KeyTooLongError', 400, `A key can have ${KEY_BYTES_MAX} bytes of UTF-8.`);
    const after = this.#storedBytes - costBytes(key, bucket.get(key)) + costBytes(key, object);
    if (after > this.#storedBytesMax)
      throw new S3Error(
        'InsufficientStorage',
        507,
        `The emulator keeps ${this.#storedBytesMax} bytes of objects in memory, and would have ${after}: delete some first.`,
      );
    this.#storedBytes = after;
    bucket.set(key, object);
  }

  /** Deleting what is not there succeeds, as in S3. */
  deleteObject(bucketName: string, key: string): void {
    const bucket = this.#get(bucketName);
    this.#storedBytes -= costBytes(key, bucket.get(key));
    bucket.delete(key);
  }

  #get(name: string): Map<string, StoredObject> {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined)
      throw new S3Error('NoSuchBucket', 404, 'The specified bucket does not exist', { BucketName: name });
    return bucket;
  }
}

function costBytes(key: string, object: StoredObject | undefined): number {
  if (object === undefined) return 0;
  const headers = Object.entries(object.headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  return Buffer.byteLength(key) + object.body.length + headers + OBJECT_OVERHEAD_BYTES;
}
