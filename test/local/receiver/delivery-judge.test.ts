import { judgeDeliveries } from 'switchboard-local/receiver/delivery-judge.ts';
import { type DeliveryCall, DeliveryLedger } from 'switchboard-local/receiver/delivery-ledger.ts';
import { expect, test } from 'vitest';

const TOLERANCE_MS = 50;

/** A call that takes 10 ms; by default one that is processed and answered with 200. */
function call(ledger: DeliveryLedger, key: string, atMs: number, fields: Partial<DeliveryCall> = {}): void {
  const { body = '{}', signatureProblem, problem, ...outcome } = fields;
  const kept = ledger.arrived({ key, atMs, body, signatureProblem, problem });
  Object.assign(kept, { status: 200, answer: 'complete', processed: true, answeredAtMs: atMs + 10 }, outcome);
}

interface Case {
  readonly expected?: Record<string, number>;
  readonly deadLettered?: Record<string, string>;
  readonly interrupted?: readonly string[];
  readonly ratePerSecond?: number;
}

function judge(
  ledger: DeliveryLedger,
  { expected = { a: 1 }, deadLettered = {}, interrupted = [], ratePerSecond }: Case = {},
) {
  return judgeDeliveries({
    expected: new Map(Object.entries(expected)),
    deadLettered: new Map(Object.entries(deadLettered)),
    ledger,
    interrupted: new Set(interrupted),
    toleranceMs: TOLERANCE_MS,
    ...(ratePerSecond !== undefined && { ratePerSecond }),
  });
}

const LOST = { answer: 'lost' } as const;
const FAILED = { processed: false, status: 500 } as const;

test('An event is delivered, a dead letter with its reason, missing, or unexpected', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0);
  call(ledger, 'b', 0, { processed: false, status: 422 });
  call(ledger, 'c', 0, FAILED);
  call(ledger, 'e', 0);
  const expected = { a: 1, b: 1, c: 1, d: 1 };
  expect(judge(ledger, { expected, deadLettered: { b: 'refused' } })).toEqual({
    delivered: 1,
    deadLettered: { refused: 1 },
    missing: ['c', 'd'],
    unexpected: ['e'],
    twice: [],
    twiceUnknown: [],
    calledWhileHeld: [],
    aboveRate: [],
    unsigned: [],
    malformed: [],
    unexplainedDeadLetters: [],
  });
});

test('A repeated delivery after a success that the sender received is known', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0);
  call(ledger, 'a', 100);
  expect(judge(ledger)).toMatchObject({ delivered: 1, twice: ['a'], twiceUnknown: [] });
});

test('A repeated delivery after a lost response is unknown, but a further one is not', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0, LOST);
  call(ledger, 'a', 100);
  expect(judge(ledger)).toMatchObject({ twice: [], twiceUnknown: ['a'] });
  call(ledger, 'a', 200);
  expect(judge(ledger)).toMatchObject({ twice: ['a'], twiceUnknown: [] });
});

test('A repeated delivery after a lost response is unknown, even if it is answered within the same millisecond', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0, LOST);
  call(ledger, 'a', 100, { answeredAtMs: 100 });
  expect(judge(ledger)).toMatchObject({ twice: [], twiceUnknown: ['a'] });
});

test('A repeated delivery is unknown if the sender was killed during a call for the event', () => {
  const ledger = new DeliveryLedger();
  for (const key of ['a', 'b']) for (const atMs of [0, 100]) call(ledger, key, atMs);
  const verdict = judge(ledger, { expected: { a: 1, b: 1 }, interrupted: ['a'] });
  expect(verdict).toMatchObject({ twice: ['b'], twiceUnknown: ['a'] });
});

test('A success after a failed call is not a repeated delivery', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0, FAILED);
  call(ledger, 'a', 100);
  expect(judge(ledger)).toMatchObject({ delivered: 1, twice: [], twiceUnknown: [] });
});

test('An event that was on the bus twice may be processed once or twice', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0);
  call(ledger, 'a', 100);
  call(ledger, 'b', 200);
  const verdict = judge(ledger, { expected: { a: 2, b: 2 } });
  expect(verdict).toMatchObject({ delivered: 2, missing: [], twice: [], twiceUnknown: [] });
});

test('Two calls at the same time are a repeated delivery, because the sender sent the event twice', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0);
  call(ledger, 'a', 5);
  expect(judge(ledger)).toMatchObject({ twice: ['a'] });
});

test('A call during Retry-After counts, except directly after the response and directly before the end', () => {
  const ledger = new DeliveryLedger();
  ledger.holds.push({ fromMs: 1_000, untilMs: 4_000 });
  for (const atMs of [1_400, 2_000, 3_960, 4_000]) call(ledger, `at-${atMs}`, atMs);
  expect(judge(ledger).calledWhileHeld.map(({ key }) => key)).toEqual(['at-2000']);
});

test('Evenly spaced calls are within the rate, and one more in the same second is above it', () => {
  const ledger = new DeliveryLedger();
  for (let index = 0; index < 30; index += 1) call(ledger, `${index}`, index * 100 + (index % 2) * 20);
  expect(judge(ledger, { ratePerSecond: 10 }).aboveRate).toEqual([]);
  call(ledger, 'extra', 1_550);
  expect(judge(ledger, { ratePerSecond: 10 }).aboveRate).toEqual([720]);
});

test('Below one call per second, the time between two calls counts', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0);
  call(ledger, 'b', 4_960);
  expect(judge(ledger, { ratePerSecond: 0.2 }).aboveRate).toEqual([]);
  call(ledger, 'c', 8_000);
  expect(judge(ledger, { ratePerSecond: 0.2 }).aboveRate).toEqual([4_960]);
});

test('Calls without a valid signature and with other defects are listed', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'a', 0, { processed: false, signatureProblem: 'wrong' });
  call(ledger, 'b', 0, { processed: false, problem: 'the body is not JSON' });
  const { unsigned, malformed } = judge(ledger);
  expect([unsigned.map(({ key }) => key), malformed.map(({ key }) => key)]).toEqual([['a'], ['b']]);
});

test('Only a permanent refusal explains a dead letter', () => {
  const ledger = new DeliveryLedger();
  call(ledger, 'refused', 0, { processed: false, status: 400 });
  call(ledger, 'moved', 0, { processed: false, status: 301 });
  call(ledger, 'held', 0, { processed: false, status: 429 });
  call(ledger, 'failed', 0, FAILED);
  call(ledger, 'delivered', 0);
  const deadLettered = { refused: 'x', moved: 'x', held: 'x', failed: 'x', delivered: 'x', never: 'x' };
  const { unexplainedDeadLetters } = judge(ledger, { expected: {}, deadLettered });
  expect(unexplainedDeadLetters).toEqual(['held', 'failed', 'delivered', 'never']);
});
