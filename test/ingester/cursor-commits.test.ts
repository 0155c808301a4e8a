import { beforeEach, describe, expect, test } from 'vitest';
import { CursorCommits } from '../../functions/ingester/cursor-commits.ts';
import type { Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import { TestLog } from './test-log.ts';

/** A commit that the test completes. */
interface Commit {
  readonly session: string;
  readonly cursor: string;
  readonly done: PromiseWithResolvers<void>;
}

let log: TestLog;
let commits: CursorCommits;
let started: Commit[];
let running: number;
let mostConcurrent: number;

beforeEach(() => {
  log = new TestLog();
  commits = new CursorCommits(log);
  started = [];
  running = 0;
  mostConcurrent = 0;
});

function makeSession(name: string): Session {
  return {
    url: 'ws://fake',
    onOpen: () => [],
    onFrame: () => [],
    commit: async (cursor) => {
      const done = Promise.withResolvers<void>();
      started.push({ session: name, cursor, done });
      mostConcurrent = Math.max(mostConcurrent, ++running);
      try {
        await done.promise;
      } finally {
        running--;
      }
    },
  };
}

const session = makeSession('first');
const cursors = () => started.map(({ cursor }) => cursor);
/** Let promises settle. */
const settle = () => new Promise(setImmediate);

async function finish(commit: Commit | undefined): Promise<void> {
  commit?.done.resolve();
  await settle();
}

async function fail(commit: Commit | undefined): Promise<void> {
  commit?.done.reject(new Error('no table'));
  await settle();
}

describe('when a cursor is committed', () => {
  test('A cursor is not committed before everything before it is accepted', async () => {
    commits.add(session, 'c3', 3);
    for (const position of [0, 1, 2]) commits.commitUpTo(position);
    await settle();
    expect(started).toEqual([]);
    commits.commitUpTo(3);
    expect(cursors()).toEqual(['c3']);
  });

  test('Only the newest cursor that may be committed is committed', async () => {
    for (const position of [1, 2, 3, 4]) commits.add(session, `c${position}`, position);
    commits.commitUpTo(3);
    await finish(started[0]);
    expect(cursors()).toEqual(['c3']);
    commits.commitUpTo(4);
    await finish(started[1]);
    expect(cursors()).toEqual(['c3', 'c4']);
  });

  test('A committed cursor is not committed again', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    await finish(started[0]);
    commits.commitUpTo(2);
    await settle();
    expect(cursors()).toEqual(['c1']);
  });

  test('A cursor without items before it is committed at once', async () => {
    commits.add(session, 'c0', 0);
    commits.commitUpTo(0);
    expect(cursors()).toEqual(['c0']);
  });

  test('Without cursors nothing is committed', async () => {
    commits.commitUpTo(5);
    await commits.settled();
    expect(started).toEqual([]);
  });

  test('A newer cursor of the same position replaces the older one', async () => {
    commits.add(session, 'old', 2);
    commits.add(session, 'new', 2);
    commits.commitUpTo(2);
    await finish(started[0]);
    expect(cursors()).toEqual(['new']);
  });
});

describe('one commit at a time', () => {
  test('A cursor that becomes due during a commit is committed after it', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    commits.add(session, 'c2', 2);
    commits.commitUpTo(2);
    commits.add(session, 'c3', 3);
    commits.commitUpTo(3);
    commits.add(session, 'c4', 4);
    await settle();
    expect(cursors()).toEqual(['c1']);
    await finish(started[0]);
    expect(cursors()).toEqual(['c1', 'c3']);
    await finish(started[1]);
    expect(cursors()).toEqual(['c1', 'c3']);
    expect(mostConcurrent).toBe(1);
  });

  test('Commits of two sessions of a subscription do not overlap, and the newest cursor is used', async () => {
    const second = makeSession('second');
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    commits.add(second, 'd2', 2);
    commits.add(session, 'c3', 3);
    commits.add(second, 'd4', 4);
    commits.commitUpTo(4);
    await finish(started[0]);
    await finish(started[1]);
    expect(started.map(({ session: of, cursor }) => `${of} ${cursor}`)).toEqual(['first c1', 'second d4']);
    expect(mostConcurrent).toBe(1);
  });

  test('Cursors that become due during a long commit are kept one at a time', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    for (let position = 2; position <= 1_000; position++) {
      commits.add(session, `c${position}`, position);
      commits.commitUpTo(position);
      expect(commits.size).toBeLessThanOrEqual(1);
    }
    await finish(started[0]);
    await finish(started[1]);
    expect(cursors()).toEqual(['c1', 'c1000']);
    expect(commits.size).toBe(0);
  });

  test('The number of waiting cursors is at most the number of positions that are not accepted', () => {
    for (let position = 1; position <= 100; position++)
      for (const version of ['a', 'b', 'c']) commits.add(session, `c${position}${version}`, position);
    expect(commits.size).toBe(100);
    commits.commitUpTo(60);
    expect(commits.size).toBe(40);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'A cursor that becomes due %i microtasks after the end of a commit is committed',
    async (microtasks) => {
      commits.add(session, 'c1', 1);
      commits.commitUpTo(1);
      started[0]?.done.resolve();
      for (let n = 0; n < microtasks; n++) await undefined;
      commits.add(session, 'c2', 2);
      commits.commitUpTo(2);
      await settle();
      expect(cursors()).toEqual(['c1', 'c2']);
    },
  );

  test('Settling waits for the commit in progress', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    let isSettled = false;
    const settling = commits.settled().then(() => {
      isSettled = true;
    });
    await settle();
    expect(isSettled).toBe(false);
    await finish(started[0]);
    await settling;
    expect(isSettled).toBe(true);
  });
});

describe('failed commits', () => {
  test('A failed commit is logged, and the next cursor covers it', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    await fail(started[0]);
    expect(log.lines).toMatchObject([
      { level: 'warn', message: 'a cursor could not be stored', fields: { error: new Error('no table') } },
    ]);
    commits.add(session, 'c2', 2);
    commits.commitUpTo(2);
    await finish(started[1]);
    expect(cursors()).toEqual(['c1', 'c2']);
    expect(log.lines).toHaveLength(1);
  });

  test('A newer cursor that became due during a failed commit is committed after it', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    commits.add(session, 'c2', 2);
    commits.commitUpTo(2);
    await fail(started[0]);
    expect(cursors()).toEqual(['c1', 'c2']);
  });

  test('A failed commit is not repeated without a newer cursor', async () => {
    commits.add(session, 'c1', 1);
    commits.commitUpTo(1);
    await fail(started[0]);
    commits.commitUpTo(2);
    await settle();
    expect(cursors()).toEqual(['c1']);
  });

  test('A session without commit ignores cursors', async () => {
    const { commit: _, ...silent } = makeSession('silent');
    commits.add(silent, 'c1', 1);
    commits.commitUpTo(1);
    await commits.settled();
    expect(log.lines).toEqual([]);
  });
});
