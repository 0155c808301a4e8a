import type { Bucket } from './bucket.ts';
import type { S3Response } from './s3.ts';
import { elements, notImplemented, S3Error, xmlResponse } from './s3-error.ts';

/** Most keys of one answer (API reference of ListObjectsV2). */
export const LIST_KEYS_MAX = 1_000;

/** ListObjectsV2 with `prefix`, `start-after`, `max-keys`, `continuation-token` and `encoding-type`. */
export function listObjects(name: string, bucket: Bucket, query: URLSearchParams): S3Response {
  if (query.get('list-type') !== '2') throw notImplemented('Reading a bucket other than with ListObjectsV2');
  if (query.get('delimiter')) throw notImplemented('The delimiter of ListObjectsV2');
  const prefix = query.get('prefix') ?? '';
  const limit = maxKeys(query.get('max-keys'));
  const token = query.get('continuation-token');
  const after =
    token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (key: string) => key;

  const rest = [...bucket.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const keys = rest.slice(0, limit);
  const last = keys.at(-1);
  const isTruncated = limit > 0 && rest.length > keys.length;
  const contents = keys.flatMap((key) => {
    const object = bucket.get(key);
    if (object === undefined) return [];
    const members = {
      Key: encode(key),
      LastModified: object.lastModified.toISOString(),
      ETag: object.etag,
      Size: String(object.body.length),
      StorageClass: 'STANDARD',
    };
    return [`<Contents>${elements(members)}</Contents>`];
  });
  const summary = elements({
    Name: name,
    Prefix: encode(prefix),
    KeyCount: String(keys.length),
    MaxKeys: String(limit),
    IsTruncated: String(isTruncated),
    ...(query.get('encoding-type') === 'url' ? { EncodingType: 'url' } : {}),
    ...(isTruncated && last !== undefined
      ? { NextContinuationToken: Buffer.from(last).toString('base64url') }
      : {}),
  });
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';
  return xmlResponse(
    200,
    `<ListBucketResult xmlns="${namespace}">${summary}${contents.join('')}</ListBucketResult>`,
  );
}

function maxKeys(text: string | null): number {
  const limit = text === null ? LIST_KEYS_MAX : Number(text);
  if (!Number.isInteger(limit) || limit < 0)
    throw new S3Error('InvalidArgument', 400, 'max-keys must be an integer of 0 or more.');
  return Math.min(limit, LIST_KEYS_MAX);
}
