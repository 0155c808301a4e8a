import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBucket } from '../../bin/local/resources.ts';
import { withStoredTopics } from '../../functions/ingester/stored-topics.ts';
import { objectStore } from '../../lib/aws/aws-clients.ts';
import { type ObjectStore, ObjectStoreError } from '../../lib/aws/object-store.ts';
import { MAX_LIST_CHARACTERS } from '../../lib/genesys/configured-topics.ts';
import { LocalAws } from './local-aws.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const ENVIRONMENT = { TOPICS_OBJECT: 's3://assets/topics.txt', TASKS: '1' };
let aws: LocalAws;
const storeOf = (bucket: string) => objectStore(bucket, aws.dynamodb, aws.url);

beforeAll(async () => {
  aws = await LocalAws.start();
  createBucket(aws.emulator, 'assets');
});
afterAll(() => aws.close());
beforeEach(async () => {
  await storeOf('assets')?.put('topics.txt', Buffer.from('v2.users.{id}.presence,v2.x'), 'text/plain');
});

test('The topics are read from the object', async () => {
  expect(await withStoredTopics(ENVIRONMENT, storeOf)).toEqual({
    ...ENVIRONMENT,
    TOPICS: 'v2.users.{id}.presence,v2.x',
  });
});

test('Without an object the environment is as it was', async () => {
  const environment = { TOPICS: 'v2.x' };
  expect(await withStoredTopics(environment, storeOf)).toBe(environment);
});

test.each(['topics.txt', 's3://assets', 's3:///topics.txt', 'https://assets/topics.txt'])(
  'The text %s is not the URL of an object',
  async (TOPICS_OBJECT) => {
    await expect(withStoredTopics({ TOPICS_OBJECT }, storeOf)).rejects.toThrow(
      'TOPICS_OBJECT is not the URL of an S3 object: s3://bucket/key',
    );
  },
);

test('An object that does not exist is reported with advice', async () => {
  await expect(withStoredTopics({ TOPICS_OBJECT: 's3://assets/other' }, storeOf)).rejects.toThrow(
    'S3 returned status 404 for bucket assets: check that it exists and that s3:GetObject is allowed',
  );
});

test('Not more than the longest possible list is read', async () => {
  const longest = { getText: async (_key: string, maxBytes: number) => 'v'.repeat(maxBytes) };
  const { TOPICS = '' } = await withStoredTopics(ENVIRONMENT, () => longest);
  expect(TOPICS.length).toBe(MAX_LIST_CHARACTERS);
});

describe('when S3 does not answer', () => {
  /** A store that is unavailable for some reads. */
  function unavailable(reads: number): Pick<ObjectStore, 'getText'> & { reads: number } {
    return {
      reads: 0,
      async getText() {
        if (this.reads++ < reads) throw new ObjectStoreError('not now', { retriable: true });
        return 'v2.x';
      },
    };
  }

  test.each([
    { failures: 4, reads: 5, topics: 'v2.x' },
    { failures: 9, reads: 5, topics: undefined },
  ])(
    'After $failures failures of at most five attempts, the topics are $topics',
    async ({ failures, reads, topics }) => {
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      try {
        const store = unavailable(failures);
        const found = withStoredTopics(ENVIRONMENT, () => store).then(
          ({ TOPICS }) => TOPICS,
          () => undefined,
        );
        await vi.advanceTimersByTimeAsync(60_000);
        expect(await found).toBe(topics);
        expect(store.reads).toBe(reads);
      } finally {
        vi.useRealTimers();
      }
    },
  );
});
