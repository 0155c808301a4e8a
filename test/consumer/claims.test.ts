import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NAMES } from '../../bin/local/resources.ts';
import {
  CALLS,
  idsOf,
  LocalConsumer,
  message,
  queuedEvents,
  redelivered,
  responseOf,
} from './local-consumer.ts';

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

/** The consumer must publish each event once in one invocation, in spite of the fault. */
async function expectPublishedOnce(): Promise<void> {
  expect(await consumer.deliver(message(events))).toEqual([]);
  expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
}

describe('claiming with INSERT', () => {
  test.each(['throttle', 'server_error', 'partial_failure', 'timeout_before_commit'] as const)(
    'An INSERT is repeated after %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.insert);
      await expectPublishedOnce();
      expect(consumer.count(CALLS.insert)).toBe(2);
      expect(consumer.happened).toMatchObject([{ kind }]);
    },
  );

  test('After an INSERT with a lost response the consumer finds its own claim and publishes the event', async () => {
    consumer.faults.next('timeout_after_commit', CALLS.insert);
    await expectPublishedOnce();
    expect(consumer.report.duplicates).toHaveLength(0);
  });

  test('After an INSERT with a lost response the consumer respects the marker of an earlier delivery', async () => {
    const one = message(events);
    consumer.faults.next('partial_failure', CALLS.publish);
    expect((await consumer.invoke([one], { isLastAttempt: true })).failed).toEqual([one.messageId]);
    expect(consumer.published.length).toBeGreaterThan(0);
    consumer.faults.next('timeout_before_commit', CALLS.insert);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
  });

  test("After an INSERT with a lost response the consumer recognizes another message's claim", async () => {
    await consumer.deliver(message([first]));
    consumer.faults.next('timeout_after_commit', CALLS.insert);
    await expectPublishedOnce();
    expect(consumer.report.duplicates).toHaveLength(1);
  });

  test.each(['InternalServerError', 'TransactionConflict', 'RequestLimitExceeded'])(
    'Statements that fail with %s are repeated',
    async (Code) => {
      consumer.intercept(CALLS.insert, {
        before: () =>
          responseOf(200, { Responses: events.map(() => ({ Error: { Code, Message: 'try again' } })) }),
      });
      await expectPublishedOnce();
    },
  );

  test('After a statement that takes effect but returns InternalServerError the consumer finds its own claim', async () => {
    const one = message([first]);
    consumer.intercept(CALLS.insert, {
      before: async () => {
        await consumer.putClaim(first.id, one.owner, nowSeconds() + 1_000);
        const error = { Code: 'InternalServerError', Message: 'outcome unknown' };
        return responseOf(200, { Responses: [{ Error: error }] });
      },
    });
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
  });

  test.each(['AccessDenied', undefined])(
    'A statement that is refused with the code %s fails the invocation',
    async (Code) => {
      consumer.intercept(CALLS.insert, {
        before: () => responseOf(200, { Responses: [{ Error: { Code, Message: 'no' } }] }),
      });
      const { outcome, failed } = await consumer.invoke([message([first])]);
      expect(outcome).toMatchObject({
        kind: 'error',
        error: { message: `DynamoDB refused a claim: ${Code} no. Check the table and the role.` },
      });
      expect(failed).toHaveLength(1);
      expect(consumer.published).toEqual([]);
    },
  );

  test('A missing claims table fails the invocation', async () => {
    const lost = await LocalConsumer.create({ config: { claimsTable: 'no-such-table' } });
    expect((await lost.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { message: expect.stringContaining('ResourceNotFound') },
    });
    await lost.close();
  });

  test('A denied INSERT call fails the invocation', async () => {
    consumer.refuse(CALLS.insert, 'AccessDeniedException');
    expect((await consumer.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test('A message whose INSERT is always throttled is redelivered, and none of its events is published', async () => {
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.insert);
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.published).toEqual([]);
    expect(consumer.count(CALLS.insert)).toBe(8);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('an existing claim', () => {
  test('Existing claims are read, and unprocessed keys are requested again', async () => {
    await consumer.deliver(message(queuedEvents(1, 2, 3, 4)));
    consumer.faults.next('partial_failure', CALLS.read);
    const late = message(queuedEvents(1, 2, 3, 4, 5));
    expect(await consumer.deliver(late)).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(queuedEvents(1, 2, 3, 4, 5)));
    expect(consumer.report.duplicates).toHaveLength(4);
    expect(consumer.count(CALLS.read)).toBe(2);
  });

  test.each(['throttle', 'server_error', 'timeout_after_commit'] as const)(
    'The read of an existing claim is repeated after %s',
    async (kind) => {
      await consumer.deliver(message([first]));
      consumer.faults.next(kind, CALLS.read);
      await expectPublishedOnce();
      expect(consumer.report.duplicates).toHaveLength(1);
    },
  );

  test('A claim that was deleted before it is read is made again', async () => {
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

  test('A denied read of a claim fails the invocation', async () => {
    await consumer.deliver(message([first]));
    consumer.refuse(CALLS.read, 'AccessDeniedException');
    expect((await consumer.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test('A claim without an owner is not overwritten, and the message is redelivered', async () => {
    await consumer.dynamodb.send(
      new PutItemCommand({ TableName: NAMES.claimsTable, Item: { pk: { S: `event#${first.id}` } } }),
    );
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events.slice(1)));
    expect(await consumer.ownerOf(first.id)).toBeUndefined();
  });

  test('An INSERT whose response has no error is made', async () => {
    consumer.intercept(CALLS.insert, { before: () => responseOf(200, {}) });
    expect(await consumer.deliver(message([first]))).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
  });

  test.each([{}, { Responses: {} }])(
    'A claim that is missing from the response %j is read again',
    async (response) => {
      await consumer.deliver(message([first]));
      consumer.intercept(CALLS.read, { before: () => responseOf(200, response) });
      expect(await consumer.deliver(message([first]))).toEqual([]);
      expect(consumer.report.duplicates).toHaveLength(1);
    },
  );
});

describe('an expired claim that TTL has not deleted yet', () => {
  beforeEach(async () => {
    await consumer.putClaim(first.id, 'earlier-owner', nowSeconds() - 1);
  });

  test('An expired claim is taken over', async () => {
    const one = message([first]);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual([first.id]);
    expect(await consumer.ownerOf(first.id)).toBe(one.owner);
  });

  test('An expired claim is taken over by only one of two messages', async () => {
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
    expect(consumer.report.duplicates).toHaveLength(1);
  });

  test.each(['throttle', 'timeout_before_commit', 'timeout_after_commit'] as const)(
    'An expired claim is taken over despite %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.takeOver);
      const one = message([first]);
      expect(await consumer.deliver(one)).toEqual([]);
      expect(consumer.publishedIds).toEqual([first.id]);
      expect(await consumer.ownerOf(first.id)).toBe(one.owner);
    },
  );

  test('A denied takeover of an expired claim fails the invocation', async () => {
    consumer.refuse(CALLS.takeOver, 'AccessDeniedException');
    expect((await consumer.invoke([message([first])])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });
});
