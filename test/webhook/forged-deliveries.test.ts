import { randomBytes, randomUUID } from 'node:crypto';
import { Random } from 'switchboard-local/random.ts';
import { expect, test } from 'vitest';
import { histories } from '../histories.ts';
import { delivery, LocalWebhook, sign } from './local-webhook.ts';

const REQUESTS = histories(1_000, 10_000);
const CONCURRENCY = 50;
/** Share of each kind of bad request. */
const BAD_SHARE = 0.01;

/** Makes a bad request of the body of a good one. */
const BAD: readonly ((body: string, random: Random) => { body: string; signature: string })[] = [
  // Signed with another secret.
  (body) => ({ body, signature: sign(body, randomBytes(32).toString('hex')) }),
  // One byte altered after signing. The JSON stays valid.
  (body) => ({ body: body.replace('"n":', '"m":'), signature: sign(body) }),
  // A signature of another length.
  (body, random) => ({ body, signature: `${sign(body)}==`.slice(0, random.pick([0, 1, 43, 45, 46])) }),
];

test('Of all requests, exactly the correctly signed ones reach the queue, once each', async () => {
  const webhook = await LocalWebhook.create();
  const random = new Random(5);
  const good = new Set<string>();
  const statuses = new Map<number | undefined, number>();
  const requests = Array.from({ length: REQUESTS }, (_, n) => {
    const id = randomUUID();
    const body = delivery({ eventBridgeEventId: id, eventBody: { n } });
    const make = BAD[Math.floor(random.next() / BAD_SHARE)];
    if (make) return make(body, random);
    good.add(`eventbridge-webhook:${id}`);
    return { body, signature: sign(body) };
  });
  const send = async () => {
    for (let next = requests.pop(); next; next = requests.pop()) {
      const status = await webhook.status(next.body, { signature: next.signature });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, send));
  const ids = webhook.items.map(({ id }) => id);
  expect(statuses).toEqual(
    new Map([
      [202, good.size],
      [401, REQUESTS - good.size],
    ]),
  );
  expect(good.size).toBeGreaterThan(REQUESTS * 0.96);
  expect(REQUESTS - good.size).toBeGreaterThan(REQUESTS * 0.02);
  expect(ids).toHaveLength(good.size);
  expect(new Set(ids)).toEqual(good);
  await webhook.close();
});
