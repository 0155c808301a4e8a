import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { S3 } from 'switchboard-local/emulator/s3/s3.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let s3: S3;
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { status, headers, body } = s3.handle({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers as Record<string, string | undefined>,
      body: await buffer(request),
    });
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  s3 = new S3({ region: 'eu-central-1' });
});

function send(
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
) {
  return fetch(origin + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
  });
}

async function errorCode(response: Response): Promise<[number, string | undefined]> {
  expect(response.headers.get('content-type')).toBe('application/xml');
  return [response.status, /<Error><Code>(\w+)<\/Code>/.exec(await response.text())?.[1]];
}

function crc32Base64(body: string | Uint8Array): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return checksum.toString('base64');
}

/** A body in the framing that SDKs use for uploads of unsigned payload with a trailing checksum. */
function awsChunked(
  chunks: (string | Uint8Array)[],
  checksum = crc32Base64(Buffer.concat(chunks.map(bytes))),
) {
  const framed = chunks.flatMap((chunk) => [
    bytes(`${bytes(chunk).length.toString(16)}\r\n`),
    bytes(chunk),
    bytes('\r\n'),
  ]);
  const body = Buffer.concat([...framed, bytes(`0\r\nx-amz-checksum-crc32:${checksum}\r\n\r\n`)]);
  const headers = {
    'content-encoding': 'aws-chunked',
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-decoded-content-length': String(Buffer.concat(chunks.map(bytes)).length),
    'x-amz-trailer': 'x-amz-checksum-crc32',
    'x-amz-sdk-checksum-algorithm': 'CRC32',
  };
  return { body, headers };
}

function bytes(chunk: string | Uint8Array): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

describe('buckets', () => {
  test('are created once, found, and deleted when they are empty', async () => {
    expect((await send('HEAD', '/events')).status).toBe(404);
    const created = await send('PUT', '/events');
    expect([created.status, created.headers.get('location')]).toEqual([200, '/events']);
    expect(await errorCode(await send('PUT', '/events'))).toEqual([409, 'BucketAlreadyOwnedByYou']);
    const head = await send('HEAD', '/events');
    expect([head.status, head.headers.get('x-amz-bucket-region')]).toEqual([200, 'eu-central-1']);
    await send('PUT', '/events/a', 'x');
    expect(await errorCode(await send('DELETE', '/events'))).toEqual([409, 'BucketNotEmpty']);
    await send('DELETE', '/events/a');
    expect((await send('DELETE', '/events')).status).toBe(204);
    expect(await errorCode(await send('DELETE', '/events'))).toEqual([404, 'NoSuchBucket']);
  });

  test.each(['Ab', 'a', 'a_b', '-ab'])('are refused with the name %s', async (name) => {
    expect(await errorCode(await send('PUT', `/${name}`))).toEqual([400, 'InvalidBucketName']);
  });

  test('are at most 100', () => {
    const request = { method: 'PUT', query: new URLSearchParams(), headers: {}, body: new Uint8Array() };
    for (let count = 0; count < 100; count += 1) s3.handle({ ...request, path: `/bucket-${count}` });
    expect(s3.handle({ ...request, path: '/one-more' }).body).toContain('<Code>TooManyBuckets</Code>');
  });
});

describe('objects', () => {
  beforeEach(async () => {
    await send('PUT', '/events');
  });

  test('come back as they were put, with their type, metadata, MD5 and CRC-32', async () => {
    const body = '{"detail":"größer"}';
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    const put = await send('PUT', '/events/2026/11/event%20%C3%BC.json', body, {
      'content-type': 'application/json',
      'x-amz-meta-event-id': '42',
      'x-amz-checksum-crc32': crc32Base64(body),
      'content-md5': createHash('md5').update(body).digest('base64'),
    });
    expect([put.status, put.headers.get('etag')]).toEqual([200, etag]);

    const got = await send('GET', '/events/2026/11/event%20%C3%BC.json', undefined, {
      'x-amz-checksum-mode': 'ENABLED',
    });
    expect(await got.text()).toBe(body);
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-meta-event-id': '42',
      'x-amz-checksum-crc32': crc32Base64(body),
      etag,
    });
    expect(Date.parse(got.headers.get('last-modified') ?? '')).toBeGreaterThan(0);

    const head = await send('HEAD', '/events/2026/11/event%20%C3%BC.json');
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
    expect(head.headers.get('x-amz-checksum-crc32')).toBeNull();
  });

  test('are replaced, and deleted as often as wanted', async () => {
    await send('PUT', '/events/a', 'one');
    await send('PUT', '/events/a', 'two');
    expect(await (await send('GET', '/events/a')).text()).toBe('two');
    expect((await send('DELETE', '/events/a')).status).toBe(204);
    expect((await send('DELETE', '/events/a')).status).toBe(204);
    expect(await errorCode(await send('GET', '/events/a'))).toEqual([404, 'NoSuchKey']);
    expect((await send('HEAD', '/events/a')).status).toBe(404);
    expect(s3.storedBytes).toBe(0);
  });

  test('with If-None-Match: * are written only where there is none', async () => {
    const condition = { 'if-none-match': '*' };
    expect((await send('PUT', '/events/a', 'one', condition)).status).toBe(200);
    expect(await errorCode(await send('PUT', '/events/a', 'two', condition))).toEqual([
      412,
      'PreconditionFailed',
    ]);
    expect(await (await send('GET', '/events/a')).text()).toBe('one');
  });

  test.each([
    ['a wrong CRC-32', { 'x-amz-checksum-crc32': crc32Base64('other') }, 'BadDigest'],
    ['a wrong MD5', { 'content-md5': createHash('md5').update('other').digest('base64') }, 'BadDigest'],
  ])('with %s are refused', async (_, headers, code) => {
    expect(await errorCode(await send('PUT', '/events/a', 'body', headers))).toEqual([400, code]);
    expect((await send('HEAD', '/events/a')).status).toBe(404);
  });

  test('with a key of 1,024 bytes are the longest', async () => {
    expect((await send('PUT', `/events/${'k'.repeat(1_024)}`, 'x')).status).toBe(200);
    expect(await errorCode(await send('PUT', `/events/${'k'.repeat(1_025)}`, 'x'))).toEqual([
      400,
      'KeyTooLongError',
    ]);
  });

  test('of a bucket that does not exist', async () => {
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await errorCode(await send(method, '/nowhere/a', method === 'PUT' ? 'x' : undefined))).toEqual([
        404,
        'NoSuchBucket',
      ]);
    expect(await errorCode(await send('GET', '/nowhere?list-type=2'))).toEqual([404, 'NoSuchBucket']);
  });

  test('are refused beyond the limit of bytes, and fit again once others are gone', () => {
    const small = new S3({ storedBytesMax: 10_000 });
    const request = { query: new URLSearchParams(), headers: {} };
    const half = new Uint8Array(4_000);
    const put = (key: string) =>
      small.handle({ ...request, method: 'PUT', path: `/events${key}`, body: half }).status;
    put('');
    expect([put('/a'), put('/b'), put('/c')]).toEqual([200, 200, 507]);
    expect(put('/b')).toBe(200);
    small.handle({ ...request, method: 'DELETE', path: '/events/a', body: new Uint8Array() });
    expect(put('/c')).toBe(200);
    expect(small.storedBytes).toBeLessThanOrEqual(10_000);
  });
});

describe('aws-chunked bodies', () => {
  beforeEach(async () => {
    await send('PUT', '/events');
  });

  test('lose their framing, and the object its transfer encoding', async () => {
    const { body, headers } = awsChunked(['hello ', 'world']);
    expect((await send('PUT', '/events/a', body, headers)).status).toBe(200);
    const got = await send('GET', '/events/a');
    expect(await got.text()).toBe('hello world');
    expect(got.headers.get('content-encoding')).toBeNull();
  });

  test('may be signed chunk by chunk, and keep the encoding of the object', async () => {
    const body = '5;chunk-signature=abc\r\nhello\r\n0;chunk-signature=def\r\n\r\n';
    await send('PUT', '/events/a', body, {
      'content-encoding': 'aws-chunked,x-own',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'x-amz-decoded-content-length': '5',
    });
    const head = await send('HEAD', '/events/a');
    expect([head.headers.get('content-length'), head.headers.get('content-encoding')]).toEqual([
      '5',
      'x-own',
    ]);
  });

  test('may be empty', async () => {
    const { body, headers } = awsChunked([]);
    expect((await send('PUT', '/events/a', body, headers)).status).toBe(200);
    expect(await (await send('GET', '/events/a')).text()).toBe('');
  });

  test('with a wrong trailing checksum are refused', async () => {
    const { body, headers } = awsChunked(['hello'], crc32Base64('other'));
    expect(await errorCode(await send('PUT', '/events/a', body, headers))).toEqual([400, 'BadDigest']);
  });

  test('that are cut anywhere are refused', () => {
    const { body, headers } = awsChunked(['hello ', 'world']);
    // From the final chunk's line on, only trailers are missing.
    for (let length = 0; length < body.indexOf('0\r\nx-amz'); length += 1) {
      const { status } = s3.handle({
        method: 'PUT',
        path: '/events/a',
        query: new URLSearchParams(),
        headers,
        body: body.subarray(0, length),
      });
      expect(status, `${length} bytes`).toBe(400);
    }
  });

  test('of other length than said are refused', async () => {
    const { body, headers } = awsChunked(['hello']);
    const response = await send('PUT', '/events/a', body, {
      ...headers,
      'x-amz-decoded-content-length': '6',
    });
    expect(await errorCode(response)).toEqual([400, 'IncompleteBody']);
  });

  test('of any bytes in any chunks come back whole', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 5 }), (chunks) => {
        const request = { path: '/events/a', query: new URLSearchParams() };
        const { body, headers } = awsChunked(chunks);
        expect(s3.handle({ ...request, method: 'PUT', headers, body }).status).toBe(200);
        const got = s3.handle({ ...request, method: 'GET', headers: {}, body: new Uint8Array() });
        expect(Buffer.concat(chunks).equals(got.body as Uint8Array)).toBe(true);
      }),
    );
  });
});

describe('ListObjectsV2', () => {
  const list = async (query = '') => {
    const text = await (await send('GET', `/events?list-type=2${query}`)).text();
    return {
      text,
      keys: [...text.matchAll(/<Key>(.*?)<\/Key>/g)].map((match) => match[1]),
      token: /<NextContinuationToken>(.*?)</.exec(text)?.[1],
    };
  };

  beforeEach(async () => {
    await send('PUT', '/events');
    for (const key of ['b/2', 'a/1', 'b/1', 'b/3', 'c']) await send('PUT', `/events/${key}`, key);
  });

  test('lists keys in order, with size and ETag', async () => {
    const { keys, text } = await list();
    expect(keys).toEqual(['a/1', 'b/1', 'b/2', 'b/3', 'c']);
    expect(text).toContain('<KeyCount>5</KeyCount>');
    expect(text).toContain('<IsTruncated>false</IsTruncated>');
    expect(text).toContain(
      `<ETag>&quot;${createHash('md5').update('c').digest('hex')}&quot;</ETag><Size>1</Size>`,
    );
  });

  test('takes a prefix, and goes on page by page', async () => {
    expect((await list('&prefix=b%2F')).keys).toEqual(['b/1', 'b/2', 'b/3']);
    const first = await list('&prefix=b%2F&max-keys=2');
    expect(first.keys).toEqual(['b/1', 'b/2']);
    const second = await list(`&prefix=b%2F&max-keys=2&continuation-token=${first.token}`);
    expect([second.keys, second.token]).toEqual([['b/3'], undefined]);
    expect((await list('&start-after=b%2F2')).keys).toEqual(['b/3', 'c']);
    expect((await list('&max-keys=0')).keys).toEqual([]);
    expect((await list('&prefix=none')).keys).toEqual([]);
  });

  test('escapes keys as XML, or as URLs where asked', async () => {
    await send('PUT', '/events/x%26%3Cy', 'x');
    expect((await list('&prefix=x')).keys).toEqual(['x&amp;&lt;y']);
    expect((await list('&prefix=x&encoding-type=url')).keys).toEqual(['x%26%3Cy']);
  });
});

test.each([
  ['GET', '/'],
  ['GET', '/events'],
  ['GET', '/events?list-type=2&delimiter=/'],
  ['GET', '/events?location'],
  ['POST', '/events?delete'],
  ['POST', '/events/a?uploads'],
  ['PUT', '/events/a?partNumber=1&uploadId=x'],
])('%s %s is not implemented, and says so', async (method, path) => {
  await send('PUT', '/events');
  expect(await errorCode(await send(method, path))).toEqual([501, 'NotImplemented']);
});

test('a path that cannot be decoded is refused', async () => {
  expect(await errorCode(await send('GET', '/events/%E0%A4%A'))).toEqual([400, 'InvalidURI']);
});
