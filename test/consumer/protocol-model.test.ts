import { expect, test } from 'vitest';
import * as decisions from '../../functions/consumer/decisions.ts';
import { histories } from '../histories.ts';
import { type Decisions, explore, type Scenario } from './protocol-model.ts';

/** Crashes in one history. A second one multiplies the number of histories. */
const CRASHES = histories(1, 2);

const ONE = { M: { owner: 'A', events: ['e1'] } };
const TWO_EVENTS = { M: { owner: 'A', events: ['e1', 'e2'] } };
const COPIES = { M: { owner: 'A', events: ['e1'] }, N: { owner: 'B', events: ['e1'] } };
const COPY_AND_MORE = { M: { owner: 'A', events: ['e1'] }, N: { owner: 'B', events: ['e1', 'e2'] } };
const SAME_OWNER = { M: { owner: 'A', events: ['e1'] }, N: { owner: 'A', events: ['e1'] } };

const SCENARIOS: Scenario[] = [
  {
    name: 'crashes at any point',
    messages: TWO_EVENTS,
    faults: { crash: CRASHES, putFails: 1, putResponseLost: 1 },
  },
  { name: 'copies and crashes', messages: COPIES, faults: { crash: CRASHES } },
  { name: 'copies and events that fail', messages: COPIES, faults: { crash: 1, putFails: 1 } },
  {
    name: 'copies and lost requests and responses',
    messages: COPIES,
    faults: { requestLost: 1, responseLost: 2 },
  },
  { name: 'copies and undecided claims', messages: COPIES, faults: { undecided: 1, crash: 1 } },
  {
    name: 'twins',
    messages: ONE,
    faults: { twinSameCount: 1, twinNextCount: 1, crash: CRASHES, putFails: 1 },
  },
  {
    name: 'twins and lost requests and responses',
    messages: ONE,
    faults: { twinSameCount: 1, twinNextCount: 1, requestLost: 1, responseLost: 2 },
  },
  {
    name: 'twins of a message that is not deleted',
    messages: ONE,
    faults: { twinSameCount: 1, deleteLost: 1, responseLost: 1, crash: 1 },
  },
  {
    name: 'twins and marks that fail',
    messages: TWO_EVENTS,
    faults: { twinNextCount: 1, markFails: 1, putFails: 1 },
  },
  { name: 'two messages of one owner', messages: SAME_OWNER, faults: { crash: 1, responseLost: 1 } },
  {
    name: 'two messages of one owner, and twins',
    messages: SAME_OWNER,
    faults: { twinNextCount: 1, putFails: 1 },
  },
  {
    name: 'refused events',
    messages: TWO_EVENTS,
    faults: { putRefused: 1, quarantineFails: 1, crash: 1, markFails: 1 },
  },
  {
    name: 'a denied UpdateItem',
    messages: TWO_EVENTS,
    faults: { putFails: 1, twinNextCount: 1, deleteLost: 1, putRefused: 1 },
    isUpdateDenied: true,
  },
  {
    name: 'a redrive in the dedup window',
    messages: TWO_EVENTS,
    faults: { putFails: 2, redrive: 1, crash: 1 },
    maxReceives: 2,
  },
  ...[false, true].map((isDeleted) => ({
    name: `a redrive after the dedup window, with claims ${isDeleted ? 'deleted' : 'expired'}`,
    messages: TWO_EVENTS,
    faults: { putFails: 2, redrive: 1, windowEnds: 1, crash: 1 },
    maxReceives: 2,
    isDeleted,
  })),
  {
    name: 'a redrive of a copy after the dedup window',
    messages: COPY_AND_MORE,
    faults: { putFails: 1, redrive: 1, windowEnds: 1 },
    maxReceives: 1,
    isDeleted: true,
  },
];

/** P1 does not depend on leases. If one ends early, an event may be published twice, but none is lost. */
const EARLY_LEASES: Scenario[] = [
  { name: 'copies', messages: COPIES, faults: { leaseEndsEarly: 1, crash: 1 }, ignoresDoubles: true },
  {
    name: 'twins',
    messages: TWO_EVENTS,
    faults: { leaseEndsEarly: 2, twinNextCount: 1, putFails: 1 },
    ignoresDoubles: true,
  },
];

test.each(SCENARIOS)(
  'No history loses an event or publishes it twice with a known outcome: $name',
  (scenario) => {
    const { violation, states } = explore(scenario);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  },
);

test.each(EARLY_LEASES)(
  'No history loses an event if leases end while their attempts run: $name',
  (scenario) => {
    const { violation, states } = explore(scenario);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  },
);

test('If a lease ends early, the model finds an event that is published twice', () => {
  const { violation } = explore({
    name: 'early',
    messages: ONE,
    faults: { leaseEndsEarly: 1, twinNextCount: 1 },
  });
  expect(violation?.problem).toBe('e1 is published twice');
});

/** A mistake in the decisions, a scenario in which it shows, and what is then wrong. */
interface Mistake {
  mistake: string;
  using: Partial<Decisions>;
  scenario: Omit<Scenario, 'name'>;
  problem: string;
}

const MISTAKES: Mistake[] = [
  {
    mistake: 'every attempt has the turn',
    using: { decideTurn: () => 'new' },
    scenario: { messages: ONE, faults: { twinSameCount: 1 } },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'a turn that exists is granted to the attempt that inserts it',
    using: { afterInsert: () => 'granted' },
    scenario: { messages: ONE, faults: { twinNextCount: 1 } },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'a turn is taken over during its lease',
    using: { afterRead: () => 'take over' },
    scenario: { messages: ONE, faults: { twinNextCount: 1 } },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'events of a message without the turn count as work',
    using: {
      decideEvent: ({ isMarked }, owner, claimedBy) =>
        decisions.decideEvent({ turn: 'new', isMarked }, owner, claimedBy),
    },
    scenario: { messages: ONE, faults: { crash: 1 } },
    problem: 'e1 is lost',
  },
  {
    mistake: 'marks are ignored',
    using: {
      decideEvent: ({ turn }, owner, claimedBy) =>
        decisions.decideEvent({ turn, isMarked: false }, owner, claimedBy),
    },
    scenario: { messages: TWO_EVENTS, faults: { putFails: 1 } },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'the claims of other messages are ignored',
    using: { decideEvent: (known, owner) => decisions.decideEvent(known, owner, owner) },
    scenario: { messages: COPIES },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'an event without a claim is a duplicate',
    using: {
      decideEvent: (known, owner, claimedBy) => decisions.decideEvent(known, owner, claimedBy ?? 'another'),
    },
    scenario: { messages: ONE, faults: { undecided: 1 } },
    problem: 'e1 is lost',
  },
  {
    mistake: 'claims of an earlier attempt are duplicates',
    using: {
      decideEvent: (known, owner, claimedBy) =>
        known.turn === 'taken over' ? 'duplicate' : decisions.decideEvent(known, owner, claimedBy),
    },
    scenario: { messages: ONE, faults: { crash: 1 } },
    problem: 'e1 is lost',
  },
  {
    mistake: 'a message without the turn is finished',
    using: {
      decideEvent: (...given) => (given[0].turn === 'none' ? 'done' : decisions.decideEvent(...given)),
    },
    scenario: { messages: SAME_OWNER, faults: { crash: 1, undecided: 1 } },
    problem: 'e1 is lost',
  },
  {
    mistake: 'unfinished messages are not returned',
    using: { isReturned: () => false },
    scenario: { messages: ONE, faults: { putFails: 1 } },
    problem: 'e1 is lost',
  },
  {
    mistake: 'published events are not marked',
    using: { isMarkable: () => false },
    scenario: { messages: TWO_EVENTS, faults: { putFails: 1 } },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'duplicates are not marked',
    using: { isMarkable: (item) => item.state !== 'duplicate' && decisions.isMarkable(item) },
    scenario: {
      messages: COPY_AND_MORE,
      faults: { putFails: 1, redrive: 1, windowEnds: 1 },
      maxReceives: 1,
      isDeleted: true,
    },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'an attempt ends without marking',
    using: {
      nextStep: (progress) => {
        const step = decisions.nextStep(progress);
        return step === 'release' ? 'end' : step;
      },
    },
    scenario: { messages: ONE, faults: { deleteLost: 1 } },
    problem: 'e1 is published twice',
  },
  {
    mistake: 'an attempt ends before it has quarantined refused events',
    using: {
      nextStep: (progress) =>
        progress.items.some(({ state }) => state === 'to quarantine') ? 'end' : decisions.nextStep(progress),
    },
    scenario: { messages: ONE, faults: { putRefused: 1 } },
    problem: 'e1 is lost',
  },
];

test.each(MISTAKES)('The model finds the mistake that $mistake', ({ mistake, using, scenario, problem }) => {
  const { violation } = explore({ name: mistake, ...scenario }, { ...decisions, ...using });
  expect(violation?.problem).toBe(problem);
  expect(violation?.history.length).toBeGreaterThan(0);
});
