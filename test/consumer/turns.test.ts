import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CALLS,
  type Delivered,
  idsOf,
  LocalConsumer,
  message,
  queuedEvents,
  redelivered,
  responseOf,
} from './local-consumer.ts';

const events = queuedEvents(1, 2, 3);
const [first, second] = events as [(typeof events)[0], (typeof events)[0]];
const DAY_MS = 86_400_000;

let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** Moves the clock. */
function advance(ms: number): void {
  const later = Date.now() + ms;
  vi.spyOn(Date, 'now').mockReturnValue(later);
}

/** Delivers a message while another one is being published. Returns the ids that are redelivered. */
function deliverDuringPublish(delivered: Delivered, prepare?: () => void): () => string[] | undefined {
  let failed: string[] | undefined;
  consumer.intercept(CALLS.publish, {
    before: async () => {
      prepare?.();
      failed = await consumer.deliver(delivered);
      return undefined;
    },
  });
  return () => failed;
}

/** Refuses the entries of the next PutEvents that contain an event. */
function failOnce(eventId: string): void {
  consumer.intercept(CALLS.publish, {
    before: (body) => {
      const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
      const failure = { ErrorCode: 'InternalFailure', ErrorMessage: 'try again' };
      return responseOf(200, {
        Entries: Entries.map(({ Detail }) => (Detail.includes(eventId) ? failure : { EventId: 'accepted' })),
      });
    },
  });
}

describe('two concurrent deliveries of one owner', () => {
  const counts = [
    ['the same receive count', 1],
    ['the next receive count', 2],
  ] as const;

  test.each(counts)(
    'A concurrent delivery with %s publishes nothing and is redelivered',
    async (_, receiveCount) => {
      const one = message(events);
      const failed = deliverDuringPublish({ ...one, receiveCount });
      expect(await consumer.deliver(one)).toEqual([]);
      expect(failed()).toEqual([one.messageId]);
      expect(await consumer.deliver(redelivered(one))).toEqual([]);
      expect(consumer.publishedIds).toEqual(idsOf(events));
    },
  );

  test.each(
    counts.flatMap(([name, receiveCount]) =>
      (['timeout_before_commit', 'timeout_after_commit', 'server_error', 'partial_failure'] as const).map(
        (kind) => ({ name, receiveCount, kind }),
      ),
    ),
  )(
    'A concurrent delivery with $name publishes nothing after $kind of its INSERT',
    async ({ receiveCount, kind }) => {
      const one = message(events);
      const failed = deliverDuringPublish({ ...one, receiveCount }, () =>
        consumer.faults.next(kind, CALLS.insert),
      );
      expect(await consumer.deliver(one)).toEqual([]);
      expect(failed()).toEqual([one.messageId]);
      expect(consumer.publishedIds).toEqual(idsOf(events));
    },
  );

  test.each(counts)(
    'A message of the same owner with %s waits until the first one is finished',
    async (_, receiveCount) => {
      const one = message(events);
      const redriven = { ...one, messageId: 'redriven', receiveCount };
      const split = message(events.slice(1), { owner: one.owner, receiveCount });
      let failed: string[] | undefined;
      consumer.intercept(CALLS.publish, {
        before: async () => {
          failed = await consumer.deliver(redriven, split);
          return undefined;
        },
      });
      expect(await consumer.deliver(one)).toEqual([]);
      expect(failed).toEqual(['redriven', split.messageId]);
      expect(await consumer.deliver(redriven, split)).toEqual([]);
      expect(consumer.publishedIds).toEqual(idsOf(events));
    },
  );
});

describe('the turn of an owner', () => {
  test('A turn is leased for longer than the invocation can run, and kept for 28 days after it was used', async () => {
    const short = await LocalConsumer.create({ config: { dedupWindowSeconds: 4 * 86_400 } });
    const one = message(events);
    const startedAtSeconds = nowSeconds();
    short.refuse(CALLS.publish, 'AccessDeniedException');
    await short.invoke([one], { remainingMs: 30_000, crashAt: { call: 2, when: 'before' } });
    const taken = await short.item(`turn#${one.owner}`);
    expect(Number(taken?.leaseEndsAt?.N)).toBeGreaterThanOrEqual(startedAtSeconds + 30);
    expect(Number(taken?.leaseEndsAt?.N)).toBeLessThanOrEqual(nowSeconds() + 40);
    expect(Number(taken?.expiresAt?.N)).toBeGreaterThanOrEqual(startedAtSeconds + 28 * 86_400);
    expect(Number(taken?.expiresAt?.N)).toBeLessThan(startedAtSeconds + 30 * 86_400);
    advance(3 * DAY_MS);
    await short.invoke([one], { crashAt: { call: 4, when: 'before' } });
    const takenOver = await short.item(`turn#${one.owner}`);
    expect(takenOver?.owner).not.toEqual(taken?.owner);
    expect(Number(takenOver?.leaseEndsAt?.N)).toBeGreaterThan(nowSeconds());
    expect(Number(takenOver?.expiresAt?.N)).toBeGreaterThanOrEqual(nowSeconds() + 28 * 86_400);
    advance(DAY_MS);
    expect(await short.deliver(one)).toEqual([]);
    const released = await short.item(`turn#${one.owner}`);
    expect(released?.leaseEndsAt?.N).toBe('0');
    expect(Number(released?.expiresAt?.N)).toBeGreaterThanOrEqual(nowSeconds() + 28 * 86_400);
    await short.close();
  });

  test.each([
    ['releases it', { EventId: 'accepted' }],
    ['precedes the quarantine', { ErrorCode: 'MalformedDetail' }],
  ])('A turn is kept for 28 days after a mark that %s', async (_, entry) => {
    const one = message([first, second]);
    consumer.intercept(CALLS.publish, {
      before: () => {
        advance(2 * DAY_MS);
        return responseOf(200, { Entries: [entry, { EventId: 'accepted' }] });
      },
    });
    await consumer.invoke([one], { crashAt: { call: 4, when: 'before' } });
    const kept = await consumer.item(`turn#${one.owner}`);
    expect(kept?.done).toBeDefined();
    expect(Number(kept?.expiresAt?.N)).toBeGreaterThanOrEqual(nowSeconds() + 28 * 86_400);
  });

  test('A message of a crashed attempt waits until the lease ends', async () => {
    const one = message(events);
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    expect(await consumer.deliver(redelivered(one))).toEqual([one.messageId]);
    expect(consumer.published).toEqual([]);
    await consumer.endLease(one.owner);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('A turn whose lease has ended is taken over by only one of two deliveries', async () => {
    const one = message(events);
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    await consumer.endLease(one.owner);
    let failed: string[] | undefined;
    consumer.intercept(CALLS.mark, {
      before: async () => {
        failed = await consumer.deliver(redelivered(one));
        return undefined;
      },
    });
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(failed).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test.each(['throttle', 'timeout_before_commit', 'timeout_after_commit'] as const)(
    'A turn whose lease has ended is taken over despite %s',
    async (kind) => {
      const one = message(events);
      await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
      await consumer.endLease(one.owner);
      consumer.faults.next(kind, CALLS.mark);
      expect(await consumer.deliver(redelivered(one))).toEqual([]);
      expect(consumer.publishedIds).toEqual(idsOf(events));
    },
  );

  test('A returned message is not delayed by its own lease', async () => {
    const one = message(events);
    consumer.deny(CALLS.publish, 'ThrottlingException');
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    consumer.recover();
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('An attempt that has lost its turn marks what it published, and does not release the turn', async () => {
    const one = message(events);
    const other = { owner: { S: 'another-attempt' }, leaseEndsAt: { N: String(nowSeconds() + 60) } };
    consumer.intercept(CALLS.publish, { after: () => consumer.put(`turn#${one.owner}`, other) });
    expect(await consumer.deliver(one)).toEqual([]);
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
    expect(await consumer.item(`turn#${one.owner}`)).toMatchObject(other);
  });

  test('An attempt that has lost its turn before it did anything leaves the turn unchanged', async () => {
    const one = message(events);
    const other = { owner: { S: 'another-attempt' }, leaseEndsAt: { N: String(nowSeconds() + 60) } };
    consumer.deny(CALLS.publish, 'ThrottlingException');
    consumer.intercept(CALLS.insert, { after: () => consumer.put(`turn#${one.owner}`, other) });
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(await consumer.item(`turn#${one.owner}`)).toEqual({ pk: { S: `turn#${one.owner}` }, ...other });
    expect(consumer.count(CALLS.mark)).toBe(1);
  });

  test('A turn without an owner is not taken over, and the message is redelivered', async () => {
    const one = message(events);
    await consumer.put(`turn#${one.owner}`, {});
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.published).toEqual([]);
  });

  test('A message that contains only duplicates costs no write but its turn', async () => {
    await consumer.deliver(message(events));
    const writes = consumer.count(CALLS.mark);
    expect(await consumer.deliver(message(events))).toEqual([]);
    expect(consumer.report.duplicates).toHaveLength(3);
    expect(consumer.count(CALLS.mark)).toBe(writes);
  });

  test('A turn whose INSERT had a lost response is released, even if nothing is marked', async () => {
    await consumer.deliver(message(events));
    const copy = message(events);
    consumer.faults.next('timeout_after_commit', CALLS.insert);
    expect(await consumer.deliver(copy)).toEqual([]);
    expect((await consumer.item(`turn#${copy.owner}`))?.leaseEndsAt?.N).toBe('0');
  });
});

describe('a redrive after the dedup window', () => {
  const redriven = (one: Delivered): Delivered => ({ ...one, messageId: 'redriven', receiveCount: 1 });

  test('A redrive on day 8 publishes only what was not published before', async () => {
    const one = message(events);
    failOnce(second.id);
    expect((await consumer.invoke([one], { isLastAttempt: true })).failed).toEqual([one.messageId]);
    advance(8 * DAY_MS);
    expect(await consumer.deliver(redriven(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual([second.id]);
  });

  test('A redrive on day 8 does not publish an event that another message published in time', async () => {
    await consumer.deliver(message([first]));
    const copy = message([first, second]);
    consumer.deny(CALLS.publish, 'ThrottlingException');
    expect(await consumer.deliver(copy)).toEqual([copy.messageId]);
    consumer.recover();
    advance(8 * DAY_MS);
    expect(await consumer.deliver(redriven(copy))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first, second]));
  });

  test('A redrive on day 8 does not quarantine an invalid item again', async () => {
    const one = message([null, first]);
    failOnce(first.id);
    expect((await consumer.invoke([one], { isLastAttempt: true })).failed).toEqual([one.messageId]);
    advance(8 * DAY_MS);
    expect(await consumer.deliver(redriven(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('A claim is kept for the dedup window, even if it was taken over', async () => {
    const windowSeconds = 5 * 86_400;
    const short = await LocalConsumer.create({ config: { dedupWindowSeconds: windowSeconds } });
    await short.putClaim(first.id, 'earlier-owner', nowSeconds() - 1);
    const startedAtSeconds = nowSeconds();
    await short.deliver(message(events));
    for (const id of idsOf(events)) {
      const expiresAtSeconds = Number((await short.item(`event#${id}`))?.expiresAt?.N);
      expect(expiresAtSeconds).toBeGreaterThanOrEqual(startedAtSeconds + windowSeconds);
      expect(expiresAtSeconds).toBeLessThanOrEqual(nowSeconds() + windowSeconds);
    }
    await short.close();
  });
});

describe('marks that cannot be written', () => {
  test('If UpdateItem is denied, a message is reported as done, and a redelivery publishes nothing', async () => {
    consumer.deny(CALLS.mark);
    const one = message(events);
    const failed = deliverDuringPublish(one);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(failed()).toEqual([one.messageId]);
    await consumer.endLease(one.owner);
    for (let receiveCount = 2; receiveCount <= 5; receiveCount++)
      expect((await consumer.invoke([{ ...one, receiveCount }])).failed).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('If UpdateItem is denied, an unfinished message is redelivered, and nothing is published twice', async () => {
    consumer.deny(CALLS.mark);
    const one = message(events);
    failOnce(second.id);
    expect((await consumer.invoke([one], { isLastAttempt: true })).failed).toEqual([one.messageId]);
    await consumer.endLease(one.owner);
    for (let receiveCount = 2; receiveCount <= 5; receiveCount++)
      expect((await consumer.invoke([{ ...one, receiveCount }])).failed).toEqual([one.messageId]);
    expect(consumer.published).toEqual([]);
  });

  test('If UpdateItem is throttled, an unfinished message is redelivered, and the invocation does not fail', async () => {
    consumer.deny(CALLS.mark, 'ThrottlingException');
    consumer.deny(CALLS.publish, 'ThrottlingException');
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.count(CALLS.mark)).toBe(8);
  });

  test('If UpdateItem is denied, an error of another message does not return a published message', async () => {
    consumer.deny(CALLS.mark);
    consumer.deny(CALLS.quarantine);
    const [one, invalid] = [message(events), message([null])];
    expect(await consumer.deliver(one, invalid)).toEqual([invalid.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('the order and the form of the calls', () => {
  test('Claims and turns are read consistently', async () => {
    const one = message(events);
    await consumer.deliver(one);
    await consumer.deliver(redelivered(one));
    const [read] = consumer.calls.filter(({ target }) => target === CALLS.read);
    const { RequestItems } = JSON.parse(read!.body) as {
      RequestItems: Record<string, { ConsistentRead: boolean }>;
    };
    expect(Object.values(RequestItems)).toMatchObject([{ ConsistentRead: true }]);
  });

  test('Published events are marked before refused events are quarantined', async () => {
    consumer.intercept(CALLS.publish, {
      before: () =>
        responseOf(200, {
          Entries: [{ ErrorCode: 'MalformedDetail' }, { EventId: 'two' }, { EventId: 'three' }],
        }),
    });
    expect(await consumer.deliver(message(events))).toEqual([]);
    expect(consumer.calls.map(({ target }) => target)).toEqual([
      CALLS.insert,
      CALLS.publish,
      CALLS.mark,
      CALLS.quarantine,
      CALLS.mark,
    ]);
  });

  test('If marks cannot be written before the quarantine, they are written after it', async () => {
    const one = message(events);
    consumer.intercept(CALLS.publish, {
      before: () =>
        responseOf(200, {
          Entries: [{ ErrorCode: 'MalformedDetail' }, { EventId: 'two' }, { EventId: 'three' }],
        }),
    });
    consumer.deny(CALLS.mark, 'ThrottlingException');
    consumer.onCall = (target) => {
      if (target === CALLS.quarantine) consumer.recover();
    };
    expect(await consumer.deliver(one)).toEqual([]);
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events.slice(1)));
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.published).toEqual([]);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('A first delivery is not delayed by any retry', async () => {
    expect(await consumer.deliver(message(events), message([null]))).toEqual([]);
    expect(Math.random).not.toHaveBeenCalled();
  });

  test('A first delivery costs one INSERT call, one PutEvents and one UpdateItem', async () => {
    expect(await consumer.deliver(message(events))).toEqual([]);
    expect(consumer.calls.map(({ target }) => target)).toEqual([CALLS.insert, CALLS.publish, CALLS.mark]);
  });
});
