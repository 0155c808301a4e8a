import { expect, test } from 'vitest';
import { ObjectStore } from '../../lib/aws/object-store.ts';

test.each([
  ['eu-central-1', 'large.s3.eu-central-1.amazonaws.com'],
  ['us-gov-west-1', 'large.s3.us-gov-west-1.amazonaws.com'],
  ['cn-north-1', 'large.s3.cn-north-1.amazonaws.com.cn'],
  ['eusc-de-east-1', 'large.s3.eusc-de-east-1.amazonaws.eu'],
])('In the Region %s, an object is stored at %s', async (region, host) => {
  const requests: URL[] = [];
  const store = new ObjectStore({
    bucket: 'large',
    region: async () => region,
    credentials: async () => ({ accessKeyId: 'test', secretAccessKey: 'test' }),
    fetch: async (url) => {
      requests.push(url as URL);
      return new Response();
    },
  });
  await store.putJson('a/b', '{}');
  expect(requests.map(({ href }) => href)).toEqual([`https://${host}/a/b`]);
});

test('A response that breaks off is reported as an error that can be retried', async () => {
  const store = new ObjectStore({
    bucket: 'large',
    region: async () => 'eu-central-1',
    credentials: async () => ({ accessKeyId: 'test', secretAccessKey: 'test' }),
    fetch: async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.error(new Error('the connection was reset')),
        }),
      ),
  });
  await expect(store.getText('topics.txt', 10)).rejects.toMatchObject({
    code: 'object_not_stored',
    retriable: true,
    message: 'The response of S3 for bucket large was incomplete',
  });
});

test('At most the limit is read from an object, regardless of its size', async () => {
  let sent = 0;
  const store = new ObjectStore({
    bucket: 'large',
    region: async () => 'eu-central-1',
    credentials: async () => ({ accessKeyId: 'test', secretAccessKey: 'test' }),
    fetch: async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => (sent++ < 100 ? controller.enqueue(Buffer.from('abc')) : controller.close()),
        }),
      ),
  });
  await expect(store.getText('topics.txt', 10)).rejects.toMatchObject({
    code: 'object_not_stored',
    retriable: false,
    message:
      'The object topics.txt in bucket large is larger than 10 bytes: check that it is the right object',
  });
  expect(sent).toBeLessThan(10);
});

test('An object of exactly the limit is read, even if its characters are split across chunks', async () => {
  const bytes = Buffer.from('a–b');
  const store = new ObjectStore({
    bucket: 'large',
    region: async () => 'eu-central-1',
    credentials: async () => ({ accessKeyId: 'test', secretAccessKey: 'test' }),
    fetch: async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        }),
      ),
  });
  expect(await store.getText('topics.txt', bytes.length)).toBe('a–b');
});
