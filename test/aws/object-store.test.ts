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
  await expect(store.getText('topics.txt')).rejects.toMatchObject({
    code: 'object_not_stored',
    retriable: true,
    message: 'The response of S3 for bucket large was incomplete',
  });
});
