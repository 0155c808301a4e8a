import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  MAX_HELD_BYTES,
  MAX_HELD_EVENTS,
  OneSpeaker,
  RELEASE_SLACK_MS,
} from '../../functions/ingester/one-speaker.ts';
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
const take = (session: Session, value: string, bytes = 1) => speaker.take(session, value, bytes);
/** The session answers its close. */
const answer = (session: Session) => speaker.end(session, { isAnswered: true, lastFrameAtMs: Date.now() });
/** The session ends without an answer, `silentMs` after its last frame. */
const die = (session: Session, silentMs = 0) =>
  speaker.end(session, { isAnswered: false, lastFrameAtMs: Date.now() - silentMs });

describe('one connection', () => {
  test('The events of the only connection pass', () => {
    speaker.open(a);
    expect(take(a, '1')).toEqual(['1']);
    expect(take(a, '1')).toEqual(['1']);
  });

  test('The events of a connection that was not opened pass', () => {
    expect(take(a, '1')).toEqual(['1']);
  });

  test('A connection after the end of the only one speaks', () => {
    speaker.open(a);
    answer(a);
    speaker.open(b);
    expect(take(b, '1')).toEqual(['1']);
  });

  test('The end of a connection that was not opened releases nothing', () => {
    speaker.open(a);
    speaker.open(b);
    take(b, '1');
    expect(die(c)).toEqual({ released: [], copies: 0 });
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

  test('After an answered close, the events since the close was sent are released, in order', () => {
    take(b, 'before');
    pass(10);
    speaker.closing(a);
    take(b, 'first');
    pass(10);
    take(b, 'second');
    pass(10);
    expect(answer(a)).toEqual({ released: ['first', 'second'], copies: 1 });
    expect(take(b, 'third')).toEqual(['third']);
  });

  test('A second call to close does not move the time of the first', () => {
    speaker.closing(a);
    pass(10);
    take(b, '1');
    pass(10);
    speaker.closing(a);
    expect(answer(a).released).toEqual(['1']);
  });

  test('The events of the older connection pass until it has ended', () => {
    speaker.closing(a);
    expect(take(a, 'in transit')).toEqual(['in transit']);
  });

  test('After a close without an answer, the events since shortly before the last frame are released', () => {
    take(b, 'long before');
    pass(5_000 - RELEASE_SLACK_MS);
    take(b, 'shortly before');
    pass(RELEASE_SLACK_MS);
    // The last frame of the older connection.
    pass(20_000);
    take(b, 'after');
    speaker.closing(a);
    pass(3_000);
    expect(die(a, 23_000)).toEqual({ released: ['shortly before', 'after'], copies: 1 });
  });

  test('After an end that nobody asked for, the events since shortly before the last frame are released', () => {
    take(b, 'long before');
    pass(RELEASE_SLACK_MS + 1);
    take(b, 'after');
    expect(answer(a)).toEqual({ released: ['after'], copies: 1 });
  });

  test('The newer connection that fails leaves the speaker alone', () => {
    take(b, '1');
    expect(die(b)).toEqual({ released: [], copies: 0 });
    expect(take(a, '2')).toEqual(['2']);
  });

  test('What a failed connection delivered is released when the speaker turns out to have been dead', () => {
    pass(5_000);
    take(b, 'only copy');
    die(b);
    pass(30_000);
    expect(die(a, 35_000).released).toEqual(['only copy']);
  });

  test('What a failed connection delivered is dropped when the speaker was alive later', () => {
    take(b, 'copy');
    die(b);
    pass(30_000);
    expect(die(a)).toEqual({ released: [], copies: 1 });
  });

  test('A step of the wall clock backward during the close loses nothing', () => {
    speaker.closing(a);
    vi.setSystemTime(Date.now() - 3_600_000);
    take(b, '1');
    expect(answer(a).released).toEqual(['1']);
  });
});

describe('three connections', () => {
  beforeEach(() => {
    speaker.open(a);
    speaker.open(b);
  });

  test('The connections speak in the order in which they were opened', () => {
    speaker.closing(a);
    speaker.open(c);
    take(c, '1');
    answer(a);
    expect(take(b, '1')).toEqual(['1']);
    expect(take(c, '2')).toEqual([]);
  });

  test('A newest connection that is not yet subscribed does not silence the one before it', () => {
    speaker.closing(a);
    speaker.open(c);
    answer(a);
    expect(take(b, 'only copy')).toEqual(['only copy']);
    speaker.closing(c);
    expect(answer(c)).toEqual({ released: [], copies: 0 });
  });

  test('An event that two waiting connections hold is released once', () => {
    speaker.open(c);
    speaker.closing(a);
    take(b, '1');
    take(c, '1');
    expect(answer(a).released).toEqual(['1']);
    pass(10);
    speaker.closing(b);
    expect(answer(b)).toEqual({ released: [], copies: 1 });
  });

  test('A waiting connection that is replaced hands over to its successor when the speaker ends', () => {
    // The speaker is dead, and its close is not answered for three seconds.
    pass(10_000);
    speaker.closing(a);
    take(b, '1');
    speaker.open(c);
    pass(10);
    take(b, '2');
    take(c, '2');
    pass(10);
    speaker.closing(b);
    pass(10);
    take(c, '3');
    pass(10);
    answer(b);
    pass(2_960);
    expect(die(a, 13_000)).toEqual({ released: ['1', '2', '3'], copies: 0 });
    expect(take(c, '4')).toEqual(['4']);
  });

  test('A connection that was told to close before it spoke hands over at that time', () => {
    speaker.closing(a);
    speaker.open(c);
    pass(10);
    take(c, 'before');
    pass(10);
    speaker.closing(b);
    pass(10);
    answer(a);
    take(c, 'after');
    pass(10);
    expect(answer(b)).toEqual({ released: ['after'], copies: 1 });
  });
});

describe('the bound of what is held', () => {
  beforeEach(() => {
    speaker.open(a);
    speaker.open(b);
  });

  test('Above the number of held events the oldest pass', () => {
    for (let n = 0; n < MAX_HELD_EVENTS; n++) expect(take(b, String(n))).toEqual([]);
    expect(take(b, 'more')).toEqual(['0']);
    expect(take(b, 'more')).toEqual(['1']);
    speaker.closing(a);
    expect(answer(a).released).toHaveLength(MAX_HELD_EVENTS);
  });

  test('Above the bytes of held events the oldest pass', () => {
    expect(take(b, 'first', MAX_HELD_BYTES / 2)).toEqual([]);
    expect(take(b, 'second', MAX_HELD_BYTES / 2)).toEqual([]);
    expect(take(b, 'third', 1)).toEqual(['first']);
    expect(take(b, 'fourth', MAX_HELD_BYTES)).toEqual(['second', 'third']);
  });

  test('An event that is larger than the bound passes', () => {
    expect(take(b, 'huge', MAX_HELD_BYTES + 1)).toEqual(['huge']);
  });

  test('The oldest event passes first, whichever connection holds it', () => {
    speaker.open(c);
    take(c, 'first', MAX_HELD_BYTES / 2);
    pass(1);
    take(b, 'second', MAX_HELD_BYTES / 2);
    pass(1);
    expect(take(b, 'third', 1)).toEqual(['first']);
  });

  test('What was released or dropped no longer counts', () => {
    take(b, 'first', MAX_HELD_BYTES);
    pass(RELEASE_SLACK_MS + 1);
    die(a);
    speaker.open(c);
    expect(take(c, 'second', MAX_HELD_BYTES)).toEqual([]);
  });
});
