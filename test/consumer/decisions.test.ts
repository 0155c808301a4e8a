import { describe, expect, test } from 'vitest';
import {
  afterInsert,
  afterRead,
  decideEvent,
  decideInvalid,
  decideTurn,
  type ItemState,
  isMarkable,
  isReturned,
  mustNotReturn,
  nextStep,
  type Progress,
} from '../../functions/consumer/decisions.ts';

const item = (state: ItemState, isRecorded = false) => ({ state, isRecorded });
const progress = (items: Progress['items'], changes: Partial<Progress> = {}): Progress => ({
  items,
  turn: 'new',
  recording: 'open',
  ...changes,
});

describe('the response to an INSERT or a read', () => {
  test.each([
    [undefined, 'granted'],
    ['DuplicateItem', 'read'],
    ['ThrottlingError', 'insert'],
    ['ProvisionedThroughputExceeded', 'insert'],
    ['RequestLimitExceeded', 'insert'],
    ['TransactionConflict', 'insert'],
    ['InternalServerError', 'insert'],
    ['AccessDenied', 'refused'],
  ])('After an INSERT with the error %s the next step is %s', (Code, next) => {
    expect(afterInsert(Code === undefined ? undefined : { Code })).toBe(next);
  });

  test('An item is granted to its owner until it ends, and can then be taken over', () => {
    expect(afterRead({ owner: 'A', endsAtSeconds: 11 }, 10)).toBe('granted');
    expect(afterRead({ owner: 'A', endsAtSeconds: 10 }, 10)).toBe('take over');
  });

  test('A turn belongs to an attempt only if the attempt is its owner', () => {
    expect(decideTurn({ owner: 'me', isNew: true }, 'me')).toBe('new');
    expect(decideTurn({ owner: 'me', isNew: false }, 'me')).toBe('taken over');
    expect(decideTurn({ owner: 'another', isNew: false }, 'me')).toBe('none');
    expect(decideTurn(undefined, 'me')).toBe('none');
  });
});

describe('the initial state of an item', () => {
  test.each([
    ['none', true, 'A', 'left'],
    ['new', true, undefined, 'done'],
    ['new', false, undefined, 'left'],
    ['new', false, 'A', 'to publish'],
    ['taken over', false, 'B', 'duplicate'],
  ] as const)(
    'With the turn "%s", isMarked %s and the claim of %s an event of A is "%s"',
    (turn, isMarked, claimedBy, state) => {
      expect(decideEvent({ turn, isMarked }, 'A', claimedBy)).toBe(state);
    },
  );

  test.each([
    ['none', true, 'left'],
    ['new', true, 'done'],
    ['taken over', false, 'to quarantine'],
  ] as const)('With the turn "%s" and isMarked %s an invalid item is "%s"', (turn, isMarked, state) => {
    expect(decideInvalid({ turn, isMarked })).toBe(state);
  });
});

describe('the next step of an attempt', () => {
  test.each<[string, Progress, string]>([
    ['without the turn', progress([item('to publish')], { turn: 'none' }), 'end'],
    ['after the last write', progress([item('left')], { recording: 'closed' }), 'end'],
    ['with work', progress([item('to publish'), item('duplicate')]), 'work'],
    ['with unmarked events and refused ones', progress([item('published'), item('to quarantine')]), 'record'],
    [
      'with marked events and refused ones',
      progress([item('published', true), item('to quarantine')]),
      'work',
    ],
    [
      'after marks could not be written',
      progress([item('published'), item('to quarantine')], { recording: 'failed' }),
      'work',
    ],
    ['with unmarked events', progress([item('published'), item('duplicate')]), 'release'],
    ['with quarantined items', progress([item('quarantined')], { recording: 'failed' }), 'release'],
    ['with unfinished events', progress([item('duplicate'), item('left')]), 'release'],
    ['with a turn that was taken over', progress([item('done')], { turn: 'taken over' }), 'release'],
    ['with nothing to mark', progress([item('duplicate'), item('repeated'), item('done')]), 'end'],
  ])('The next step %s is decided by the items', (_, given, step) => {
    expect(nextStep(given)).toBe(step);
  });

  test('Published, quarantined and duplicate items are marked once', () => {
    for (const state of ['published', 'quarantined', 'duplicate'] as const) {
      expect(isMarkable(item(state))).toBe(true);
      expect(isMarkable(item(state, true))).toBe(false);
    }
    for (const state of ['to publish', 'to quarantine', 'repeated', 'done', 'left'] as const)
      expect(isMarkable(item(state))).toBe(false);
  });

  test('A message is returned if any of its items is left', () => {
    expect(isReturned([item('published'), item('left')])).toBe(true);
    expect(isReturned([item('published'), item('done')])).toBe(false);
  });

  test('A finished message with any missing mark must not be returned', () => {
    expect(mustNotReturn([item('done'), item('published')])).toBe(true);
    expect(mustNotReturn([item('done'), item('published', true)])).toBe(false);
    expect(mustNotReturn([item('done'), item('duplicate')])).toBe(false);
    expect(mustNotReturn([item('left'), item('published')])).toBe(false);
  });
});
