import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NAMES } from '../../bin/local/resources.ts';
import { again, answerOf, CALLS, idsOf, LocalConsumer, message, queuedEvents } from './local-consumer.ts';

const events = queuedEvents(1, 2, 3);
const [first] = events as [(typeof events)[0]];
const nowSeconds = () => Math.floor(Date.now() / 1000);

let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

/** The consumer must publish each event once in one invocation, although something goes wrong. */
async function expectPublishedOnce(): Promise<void> {
  expect(await consumer.deliver(message(events))).toEqual([]);
  expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
}

describe('INSERT', () => {
  test.each(['throttle', 'server_error', 'partial_failure', 'timeout_before_commit'] as const)(
    'is repeated after %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.insert);
      await expectPublishedOnce();
      expect(consumer.count(CALLS.insert)).toBe(2);
      expect(consumer.happened).toMatchObject([{ kind }]);
    },
  );

  test('whose answer is lost finds its own claim, and publishes instead of coming again', async () => {
    consumer.faults.next('timeout_after_commit', CALLS.insert);
    await expectPublishedOnce();
    expect(consumer.report.duplicates).toBe(0);
  });

  test('whose answer is lost does not take the claim of an earlier try for its own', async () => {
    const one = message(events);
    consumer.faults.next('partial_failure', CALLS.publish);
    expect((await consumer.invoke([one], { remainingMs: 0 })).failed).toEqual([one.messageId]);
    expect(consumer.published.length).toBeGreaterThan(0);
    consumer.faults.next('timeout_before_commit', CALLS.insert);
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
  });

  test("whose answer is lost may also find another message's claim", async () => {
    await consumer.deliver(message([first]));
    consumer.faults.next('timeout_after_commit', CALLS.insert);
    await expectPublishedOnce();
    expect(consumer.report.duplicates).toBe(1);
  });

  test.each(['InternalServerError', 'TransactionConflict', 'RequestLimitExceeded'])(
    'of which one statement fails with %s is repeated for that one',
    async (Code) => {
      consumer.intercept(CALLS.insert, {
        before: () =>
          answerOf(200, { Responses: events.map(() => ({ Error: { Code, Message: 'try again' } })) }),
      });
      await expectPublishedOnce();
    },
  );

  test('that took effect and answers InternalServerError finds its own claim', async () => {
    const one = message([first]);
    consumer.intercept(CALLS.insert, {
      before: async () => {
        await consumer.putClaim(first.id, one.owner, nowSeconds() + 1_000);
        const error = { Code: 'InternalServerError', Message: 'who knows' };
        return answerOf(200, { Responses: [{ Error: error }] });
      },
    });
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
  });

  test.each(['AccessDenied', undefined])(
    'refused with %s is an error that ends the invocation',
    async (Code) => {
      consumer.intercept(CALLS.insert, {
        before: () => answerOf(200, { Responses: [{ Error: { Code, Message: 'no' } }] }),
      });
      const { outcome, failed } = await consumer.invoke([message([first])]);
      expect(outcome).toMatchObject({ kind: 'error', error: { message: `A claim was refused: ${Code} no` } });
      expect(failed).toHaveLength(1);
      expect(consumer.published).toEqual([]);
    },
  );

  test('without a table is an error, and so is a whole call that is denied', async () => {
    const lost = await LocalConsumer.create({ config: { claimsTable: 'no-such-table' } });
    expect((await lost.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { message: expect.stringContaining('ResourceNotFound') },
    });
    await lost.close();
    consumer.refuse(CALLS.insert, 'AccessDeniedException');
    expect((await consumer.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test('that never gets through: the message comes again, and nothing was published', async () => {
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.insert);
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.published).toEqual([]);
    expect(consumer.count(CALLS.insert)).toBe(8);
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('a claim that is there already', () => {
  test('is read; keys that were left unprocessed are asked for again', async () => {
    await consumer.deliver(message(queuedEvents(1, 2, 3, 4)));
    consumer.faults.next('partial_failure', CALLS.read);
    const late = message(queuedEvents(1, 2, 3, 4, 5));
    expect(await consumer.deliver(late)).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(queuedEvents(1, 2, 3, 4, 5)));
    expect(consumer.report.duplicates).toBe(4);
    expect(consumer.count(CALLS.read)).toBe(2);
  });

  test.each(['throttle', 'server_error', 'timeout_after_commit'] as const)(
    'is read again after %s',
    async (kind) => {
      await consumer.deliver(message([first]));
      consumer.faults.next(kind, CALLS.read);
      await expectPublishedOnce();
      expect(consumer.report.duplicates).toBe(1);
    },
  );

  test('may have vanished when it is read: it is made again', async () => {
    const gone = message([first]);
    await consumer.deliver(gone);
    consumer.published.length = 0;
    consumer.intercept(CALLS.read, {
      before: async () => {
        await consumer.dynamodb.send(
          new DeleteItemCommand({ TableName: NAMES.claimsTable, Key: { pk: { S: `event#${first.id}` } } }),
        );
        return undefined;
      },
    });
    await expectPublishedOnce();
    expect(await consumer.ownerOf(first.id)).not.toBe(gone.owner);
  });

  test('that cannot be read because access is denied is an error', async () => {
    await consumer.deliver(message([first]));
    consumer.refuse(CALLS.read, 'AccessDeniedException');
    expect((await consumer.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test('that somebody has damaged is not overwritten: the message comes again', async () => {
    await consumer.dynamodb.send(
      new PutItemCommand({ TableName: NAMES.claimsTable, Item: { pk: { S: `event#${first.id}` } } }),
    );
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events.slice(1)));
    expect(await consumer.ownerOf(first.id)).toBeUndefined();
  });

  test('whose answer is without items counts as not there', async () => {
    await consumer.deliver(message([first]));
    consumer.intercept(CALLS.read, { before: () => answerOf(200, {}) });
    expect(await consumer.deliver(message([first]))).toEqual([]);
    expect(consumer.report.duplicates).toBe(1);
  });
});

describe('an expired claim that TTL has not deleted yet', () => {
  beforeEach(async () => {
    await consumer.putClaim(first.id, 'of-old', nowSeconds() - 1);
  });

  test('is taken over', async () => {
    const one = message([first]);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
    expect(await consumer.ownerOf(first.id)).toBe(one.owner);
  });

  test('goes to one of two takers', async () => {
    const [one, other] = [message([first]), message([first])];
    consumer.intercept(CALLS.takeOver, {
      before: async () => {
        expect(await consumer.deliver(other)).toEqual([]);
        return undefined;
      },
    });
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
    expect(await consumer.ownerOf(first.id)).toBe(other.owner);
    expect(consumer.report.duplicates).toBe(1);
  });

  test.each(['throttle', 'timeout_before_commit', 'timeout_after_commit'] as const)(
    'is taken over in spite of %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.takeOver);
      const one = message([first]);
      expect(await consumer.deliver(one)).toEqual([]);
      expect(consumer.publishedIds).toEqual([first.id]);
      expect(await consumer.ownerOf(first.id)).toBe(one.owner);
    },
  );

  test('that may not be written is an error', async () => {
    consumer.refuse(CALLS.takeOver, 'AccessDeniedException');
    expect((await consumer.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });
});
