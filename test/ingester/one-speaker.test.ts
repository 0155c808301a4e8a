import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_HELD_BYTES, MAX_HELD_EVENTS, OneSpeaker } from '../../functions/ingester/one-speaker.ts';
import type { Session } from '../../functions/ingester/protocols/stream-protocol.ts';

let speaker: OneSpeaker<string>;
const [a, b, c] = ['a', 'b', 'c'].map(
  (name): Session => ({ url: `ws://${name}`, onOpen: () => [], onFrame: () => [] }),
) as [Session, Session, Session];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  speaker = new OneSpeaker();
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTime(ms);
const take = (session: Session, value: string, bytes = 1, topicName = 'topic') =>
  speaker.take(session, { value, topicName, bytes });
/** The session ends, and everything that the server sent until `ms` ago has been read. */
const end = (session: Session, ms = 0) => speaker.end(session, { tick: performance.now() - ms });

describe('one connection', () => {
  test('The events of the only connection pass', () => {
    speaker.open(a);
    expect(take(a, '1')).toEqual(['1']);
    expect(take(a, '1')).toEqual(['1']);
  });

  test('The connection that was opened first speaks until its end', () => {
    expect(speaker.current).toBeUndefined();
    speaker.open(a);
    speaker.open(b);
    expect(speaker.current).toBe(a);
    end(a);
    expect(speaker.current).toBe(b);
  });

  test('The events of a connection that was not opened pass', () => {
    expect(take(a, '1')).toEqual(['1']);
  });

  test('A connection after the end of the only one speaks', () => {
    speaker.open(a);
    end(a);
    speaker.open(b);
    expect(take(b, '1')).toEqual(['1']);
  });

  test('The end of a connection that was not opened releases nothing', () => {
    speaker.open(a);
    speaker.open(b);
    take(b, '1');
    expect(end(c)).toEqual({ released: [], copies: 0 });
  });
});

describe('two connections', () => {
  beforeEach(() => {
    speaker.open(a);
    speaker.open(b);
  });

  test('The events of the newer connection are held while the older one speaks', () => {
    expect(take(b, '1')).toEqual([]);
    expect(take(a, '1')).toEqual(['1']);
  });

  test('After the end, the events since the end of what was read are released, in order', () => {
    take(b, 'before');
    pass(1);
    // The older connection is read until now.
    take(b, 'first');
    pass(20_000);
    take(b, 'second');
    pass(3_000);
    expect(end(a, 23_000)).toEqual({ released: ['first', 'second'], copies: 1 });
    expect(take(b, 'next')).toEqual(['next']);
  });

  test('The events of the older connection pass until it has ended', () => {
    take(b, '1');
    expect(take(a, 'in transit')).toEqual(['in transit']);
  });

  test('A newer connection that fails does not affect the speaker', () => {
    take(b, '1');
    expect(end(b)).toEqual({ released: [], copies: 0 });
    expect(take(a, '2')).toEqual(['2']);
  });

  test('Events from a failed connection are released if the speaker turns out to have been dead', () => {
    pass(5_000);
    take(b, 'only copy');
    end(b);
    pass(30_000);
    expect(end(a, 35_000).released).toEqual(['only copy']);
  });

  test('Events from a failed connection are dropped if the speaker was alive later', () => {
    take(b, 'copy');
    end(b);
    pass(30_000);
    expect(end(a)).toEqual({ released: [], copies: 1 });
  });

  test('A step of the wall clock loses nothing and releases no copy', () => {
    take(b, 'copy');
    pass(1);
    for (const stepMs of [-3_600_000, 7_200_000]) vi.setSystemTime(Date.now() + stepMs);
    take(b, 'only here');
    expect(end(a)).toEqual({ released: ['only here'], copies: 1 });
  });
});

describe('a topic that the older connection does not deliver', () => {
  const lacking = (topicName: string, untilTick = Number.POSITIVE_INFINITY): Session => ({
    ...a,
    delivers: (name, sinceTick) => name !== topicName || sinceTick >= untilTick,
  });

  test('Its events are released at the end of the older connection, and those of other topics are copies', () => {
    const old = lacking('rejected');
    speaker.open(old);
    speaker.open(b);
    take(b, '1', 1, 'rejected');
    take(b, '2', 1, 'other');
    pass(1_000);
    expect(end(old)).toEqual({ released: ['1'], copies: 1 });
  });

  test('A topic that the older connection gets during the overlap is lacking in it', () => {
    const old = lacking('late', performance.now() + 500);
    speaker.open(old);
    speaker.open(b);
    take(b, '1', 1, 'late');
    pass(1_000);
    expect(end(old).released).toEqual(['1']);
  });

  test('A topic that the older connection got before the overlap is delivered by it', () => {
    const old = lacking('late', performance.now() + 500);
    speaker.open(old);
    pass(500);
    speaker.open(b);
    take(b, '1', 1, 'late');
    pass(1_000);
    expect(end(old)).toEqual({ released: [], copies: 1 });
  });

  test('Events from a failed connection count from its own beginning', () => {
    const old = lacking('late', performance.now() + 500);
    speaker.open(old);
    speaker.open(b);
    take(b, '1', 1, 'late');
    pass(400);
    end(b, 400);
    pass(200);
    speaker.open(c);
    pass(1_000);
    expect(end(old).released).toEqual(['1']);
  });
});

describe('three connections', () => {
  beforeEach(() => {
    speaker.open(a);
    speaker.open(b);
  });

  test('The connections speak in the order in which they were opened', () => {
    speaker.open(c);
    take(c, '1');
    end(a);
    expect(take(b, '1')).toEqual(['1']);
    expect(take(c, '2')).toEqual([]);
  });

  test('A newest connection that is not yet subscribed does not silence the one before it', () => {
    speaker.open(c);
    end(a);
    expect(take(b, 'only copy')).toEqual(['only copy']);
    expect(end(c)).toEqual({ released: [], copies: 0 });
  });

  test('An event that two waiting connections hold is released once', () => {
    speaker.open(c);
    take(b, '1');
    take(c, '1');
    expect(end(a).released).toEqual(['1']);
    pass(1);
    expect(end(b)).toEqual({ released: [], copies: 1 });
  });

  test('When the speaker ends, the successor of a replaced waiting connection takes over', () => {
    // The speaker is dead from now on.
    take(b, '1');
    speaker.open(c);
    take(b, '2');
    take(c, '2');
    pass(1);
    take(c, '3');
    end(b);
    pass(13_000);
    expect(end(a, 20_000)).toEqual({ released: ['1', '2', '3'], copies: 0 });
    expect(take(c, '4')).toEqual(['4']);
  });

  test('After the last speaker, the next connection takes over from the end of what was read', () => {
    speaker.open(c);
    take(c, 'before');
    end(a);
    pass(1);
    take(c, 'after');
    expect(end(b)).toEqual({ released: ['after'], copies: 1 });
  });
});

describe('the limits of held events', () => {
  beforeEach(() => {
    speaker.open(a);
    speaker.open(b);
  });

  test('Above the maximum number of held events, the oldest pass', () => {
    for (let n = 0; n < MAX_HELD_EVENTS; n++) expect(take(b, String(n))).toEqual([]);
    expect(take(b, 'more')).toEqual(['0']);
    expect(take(b, 'more')).toEqual(['1']);
    expect(end(a).released).toHaveLength(MAX_HELD_EVENTS);
  });

  test('Above the maximum bytes of held events, the oldest pass', () => {
    expect(take(b, 'first', MAX_HELD_BYTES / 2)).toEqual([]);
    expect(take(b, 'second', MAX_HELD_BYTES / 2)).toEqual([]);
    expect(take(b, 'third', 1)).toEqual(['first']);
    expect(take(b, 'fourth', MAX_HELD_BYTES)).toEqual(['second', 'third']);
  });

  test('An event that is larger than the bound passes', () => {
    expect(take(b, 'huge', MAX_HELD_BYTES + 1)).toEqual(['huge']);
  });

  test.each([
    [b, c],
    [c, b],
  ])('The oldest event passes first, whichever connection holds it', (first, second) => {
    speaker.open(c);
    take(first, 'first', MAX_HELD_BYTES / 2);
    pass(1);
    take(second, 'second', MAX_HELD_BYTES / 2);
    pass(1);
    expect(take(b, 'third', 1)).toEqual(['first']);
  });

  test('Of two events received at the same time, the one from the older connection passes first', () => {
    speaker.open(c);
    take(c, 'newer', MAX_HELD_BYTES / 2);
    take(b, 'older', MAX_HELD_BYTES / 2);
    expect(take(c, 'more', 1)).toEqual(['older']);
  });

  test.each([
    ['released', 1],
    ['dropped', 0],
  ])('An event that was %s no longer counts', (_, unreadMs) => {
    take(b, 'first', MAX_HELD_BYTES);
    pass(1);
    expect(end(a, unreadMs).released).toHaveLength(unreadMs);
    speaker.open(c);
    expect(take(c, 'second', MAX_HELD_BYTES)).toEqual([]);
    expect(take(c, 'third', 1)).toEqual(['second']);
  });

  test('Events that a connection still holds after another one has ended count', () => {
    speaker.open(c);
    take(c, 'first', MAX_HELD_BYTES);
    end(a);
    expect(take(c, 'second', 1)).toEqual(['first']);
  });
});
