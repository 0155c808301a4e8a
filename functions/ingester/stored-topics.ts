import { setTimeout as delay } from 'node:timers/promises';
import { type ObjectStore, ObjectStoreError } from '../../lib/aws/object-store.ts';
import { MAX_LIST_CHARACTERS } from '../../lib/genesys/configured-topics.ts';

/** Attempts to read the topics before the process ends, the first included. */
const MAX_ATTEMPTS = 5;
/** Delay before the second attempt. It doubles with each attempt. */
const BACKOFF_BASE_MS = 500;
const OBJECT_URL = /^s3:\/\/([^/]+)\/(.+)$/;

/**
 * The environment, in which `TOPICS` is read from the S3 object that `TOPICS_OBJECT` names. An environment of more than
 * 64 KiB does not fit into a task definition.
 *
 * @param storeOf - the objects of a bucket
 * @throws Error if `TOPICS_OBJECT` is not a URL of an object, or the object cannot be read or is too large
 */
export async function withStoredTopics(
  environment: Readonly<Record<string, string | undefined>>,
  storeOf: (bucket: string) => Pick<ObjectStore, 'getText'> | undefined,
): Promise<Readonly<Record<string, string | undefined>>> {
  const { TOPICS_OBJECT } = environment;
  if (!TOPICS_OBJECT) return environment;
  const [, bucket = '', key = ''] = OBJECT_URL.exec(TOPICS_OBJECT) ?? [];
  const store = storeOf(bucket);
  if (!bucket || !store) throw new Error('TOPICS_OBJECT is not the URL of an S3 object: s3://bucket/key');
  return { ...environment, TOPICS: await read(store, key) };
}

async function read(store: Pick<ObjectStore, 'getText'>, key: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Topics consist of ASCII characters.
      return await store.getText(key, MAX_LIST_CHARACTERS);
    } catch (error) {
      const mayRetry = error instanceof ObjectStoreError && error.retriable && attempt < MAX_ATTEMPTS;
      if (!mayRetry) throw error;
      await delay(BACKOFF_BASE_MS * 2 ** (attempt - 1));
    }
  }
}
