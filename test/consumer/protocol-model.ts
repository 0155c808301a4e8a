import { hash } from 'node:crypto';
import * as decisions from '../../functions/consumer/decisions.ts';

/**
 * A model of the deduplication protocol. It explores every order of steps of two workers, where one step is one AWS
 * call, and every place of a limited number of faults. It takes all decisions with the consumer's own functions.
 */
export type Decisions = typeof decisions;

/** How often each fault may happen in one history. */
const FAULTS = {
  /** SQS delivers a message that is in progress, with the same receive count or with the next one. */
  twinSameCount: 0,
  twinNextCount: 0,
  crash: 0,
  /** A request of an INSERT or takeover is lost, or its response. */
  requestLost: 0,
  responseLost: 0,
  /** A claim or turn could not be decided before the deadline. */
  undecided: 0,
  /** EventBridge does not accept an event in time, or refuses it permanently. */
  putFails: 0,
  putRefused: 0,
  /** EventBridge accepts an event, but the response is lost. */
  putResponseLost: 0,
  quarantineFails: 0,
  /** The marks of an attempt cannot be written. */
  markFails: 0,
  /** A finished message is delivered again. */
  deleteLost: 0,
  /** The dedup window ends. */
  windowEnds: 0,
  /** The dead-letter queue is redriven: the message gets a new SQS id. */
  redrive: 0,
  /** A lease ends while its attempt is still running. */
  leaseEndsEarly: 0,
};
type Fault = keyof typeof FAULTS;

/** One exploration. */
export interface Scenario {
  name: string;
  /** SQS messages by id. */
  messages: Record<string, { owner: string; events: readonly string[] }>;
  faults?: Partial<typeof FAULTS>;
  maxReceives?: number;
  /** UpdateItem fails on every call, and every failure is permanent. */
  isUpdateDenied?: boolean;
  /** When the dedup window ends, TTL has deleted the claims. */
  isDeleted?: boolean;
  /** Only look for lost events. */
  ignoresDoubles?: boolean;
}

/** The result of an exploration. `violation`: what is wrong, and the shortest history that leads to it. */
export interface Exploration {
  states: number;
  violation?: { problem: string; history: string[] };
}

interface Stored {
  readonly owner: string;
  readonly endsAtSeconds: number;
  readonly done: readonly string[];
}
type Grant = { owner: string; isNew: boolean; done: readonly string[] };
type Reserving = { next: 'insert' } | { next: 'read' } | { next: 'take over'; seen: Stored };
interface ModelItem extends decisions.ItemProgress {
  readonly event: string;
}

interface Worker {
  readonly id: string;
  readonly messageId: string;
  readonly base: string;
  readonly reserving: Readonly<Record<string, Reserving>>;
  readonly grants: Readonly<Record<string, Grant>>;
  readonly progress: decisions.Progress<ModelItem> | undefined;
  /** Items that the current step `work` has not handled yet. */
  readonly round: readonly string[];
  readonly hasError: boolean;
  /** Whether the fault `markFails` happened. */
  readonly couldNotMark: boolean;
}

interface QueuedMessage {
  readonly base: string;
  readonly receives: number;
  readonly inFlight: number;
}

interface State {
  readonly items: Readonly<Record<string, Stored>>;
  readonly queue: Readonly<Record<string, QueuedMessage>>;
  readonly deadLetter: Readonly<Record<string, string>>;
  readonly workers: readonly Worker[];
  readonly published: Readonly<Record<string, number>>;
  /** How often an event may be published again, because the outcome was unknown. */
  readonly excused: Readonly<Record<string, number>>;
  readonly quarantined: readonly string[];
  readonly left: Readonly<Record<Fault, number>>;
  /** Owner and event, for each copy that a finished or returned message has given up before the window ended. */
  readonly givenUp: readonly string[];
  readonly isWindowOver: boolean;
}

const NOW_SECONDS = 1_000;
const LATER_SECONDS = 2_000;
const MAX_WORKERS = 2;
const MAX_STATES = 1_000_000;

type Next = readonly [label: string, state: State];

/** Explores all histories of a scenario, shortest first, until a violation is found. */
export function explore(scenario: Scenario, using: Decisions = decisions): Exploration {
  const model = new Model(scenario, using);
  const start = model.start();
  const queue: { state: State; label: string; from: number }[] = [{ state: start, label: '', from: -1 }];
  const seen = new Set([keyOf(start)]);
  for (let index = 0; index < queue.length; index++) {
    const { state } = queue[index] as (typeof queue)[0];
    const problem = model.problem(state);
    if (problem) {
      const history: string[] = [];
      for (let at = index; at > 0; at = queue[at]?.from ?? 0) history.unshift(queue[at]?.label ?? '');
      return { states: seen.size, violation: { problem, history } };
    }
    for (const [label, next] of model.successors(state)) {
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push({ state: next, label, from: index });
    }
    if (seen.size > MAX_STATES) throw new Error(`${scenario.name} has more than ${MAX_STATES} states`);
  }
  return { states: seen.size };
}

/** A short key of a state. States that differ only in the names of workers have the same key. */
function keyOf(state: State): string {
  const names = new Map<string, string>();
  const renamed = JSON.stringify(state).replace(/"w\d+"/g, (name) => {
    const known = names.get(name) ?? `"${names.size}"`;
    names.set(name, known);
    return known;
  });
  return hash('md5', renamed);
}

class Model {
  private readonly scenario: Scenario;
  private readonly using: Decisions;

  constructor(scenario: Scenario, using: Decisions) {
    this.scenario = scenario;
    this.using = using;
  }

  start(): State {
    const { messages, faults } = this.scenario;
    const events = Object.values(messages).flatMap((message) => message.events);
    const none = Object.fromEntries(events.map((event) => [event, 0]));
    return {
      items: {},
      queue: Object.fromEntries(
        Object.keys(messages).map((id) => [id, { base: id, receives: 0, inFlight: 0 }]),
      ),
      deadLetter: {},
      workers: [],
      published: none,
      excused: none,
      quarantined: [],
      left: { ...FAULTS, ...faults },
      givenUp: [],
      isWindowOver: false,
    };
  }

  problem({ published, excused, quarantined, queue, deadLetter }: State): string | undefined {
    const kept = new Set(
      [...Object.values(queue).map(({ base }) => base), ...Object.values(deadLetter)].flatMap(
        (base) => this.message(base).events,
      ),
    );
    for (const [event, count] of Object.entries(published)) {
      if (count === 0 && !kept.has(event) && !quarantined.includes(event)) return `${event} is lost`;
      if (!this.scenario.ignoresDoubles && count > 1 + (excused[event] ?? 0))
        return `${event} is published twice`;
    }
    return undefined;
  }

  *successors(state: State): Generator<Next> {
    yield* this.deliveries(state);
    yield* this.environment(state);
    for (const worker of state.workers) {
      if (state.left.crash > 0) yield [`${worker.id} crashes`, this.crash(spend(state, 'crash'), worker)];
      yield* worker.progress ? this.run(state, worker, worker.progress) : this.reserve(state, worker);
    }
  }

  private message(base: string) {
    return this.scenario.messages[base] as Scenario['messages'][string];
  }

  private *deliveries(state: State): Generator<Next> {
    const { maxReceives = 3 } = this.scenario;
    for (const [id, message] of Object.entries(state.queue)) {
      const { base, receives, inFlight } = message;
      if (inFlight === 0 && receives >= maxReceives) {
        const deadLetter = sorted({ ...state.deadLetter, [id]: base });
        yield [
          `${id} goes to the dead-letter queue`,
          { ...state, queue: without(state.queue, id), deadLetter },
        ];
        continue;
      }
      if (state.workers.length >= MAX_WORKERS) continue;
      const deliver = (from: State, count: number): State => {
        const queue = { ...from.queue, [id]: { base, receives: count, inFlight: inFlight + 1 } };
        return { ...from, queue, workers: [...from.workers, this.newWorker(from, id, base)] };
      };
      if (inFlight === 0) yield [`${id} is delivered`, deliver(state, receives + 1)];
      else {
        if (state.left.twinSameCount > 0)
          yield [`${id} is delivered twice`, deliver(spend(state, 'twinSameCount'), receives)];
        if (state.left.twinNextCount > 0)
          yield [`${id} is delivered twice, counted`, deliver(spend(state, 'twinNextCount'), receives + 1)];
      }
    }
  }

  private *environment(state: State): Generator<Next> {
    if (state.left.redrive > 0)
      for (const [id, base] of Object.entries(state.deadLetter)) {
        const queue = { ...state.queue, [`${id}'`]: { base, receives: 0, inFlight: 0 } };
        yield [
          `${id} is redriven`,
          { ...spend(state, 'redrive'), queue, deadLetter: without(state.deadLetter, id) },
        ];
      }
    if (state.left.windowEnds > 0 && state.workers.length === 0) {
      const kept = Object.entries(state.items).flatMap(([key, item]) => {
        if (key.startsWith('turn#')) return [[key, item] as const];
        return this.scenario.isDeleted ? [] : [[key, { ...item, endsAtSeconds: 0 }] as const];
      });
      const after = { ...spend(state, 'windowEnds'), items: Object.fromEntries(kept), isWindowOver: true };
      yield ['the dedup window ends', after];
    }
    if (state.left.leaseEndsEarly > 0)
      for (const [key, item] of Object.entries(state.items))
        if (key.startsWith('turn#') && item.endsAtSeconds > 0)
          yield [
            `the lease of ${key} ends early`,
            write(spend(state, 'leaseEndsEarly'), key, { ...item, endsAtSeconds: 0 }),
          ];
  }

  private newWorker(state: State, messageId: string, base: string): Worker {
    const { owner, events } = this.message(base);
    const used = new Set([
      ...state.workers.flatMap(({ id, reserving }) => [
        id,
        ...Object.values(reserving).flatMap((one) => (one.next === 'take over' ? [one.seen.owner] : [])),
      ]),
      ...Object.values(state.items).map((item) => item.owner),
    ]);
    let number = 0;
    while (used.has(`w${number}`)) number++;
    const keys = [`turn#${owner}`, ...events.map((event) => `event#${event}`)];
    return {
      id: `w${number}`,
      messageId,
      base,
      reserving: Object.fromEntries(keys.map((key) => [key, { next: 'insert' as const }])),
      grants: {},
      progress: undefined,
      round: [],
      hasError: false,
      couldNotMark: false,
    };
  }

  /** The next call for each item that is not granted yet. */
  private *reserve(state: State, worker: Worker): Generator<Next> {
    for (const [key, reserving] of Object.entries(worker.reserving)) {
      if (state.left.undecided > 0)
        yield [`${worker.id} has no time for ${key}`, this.dropped(spend(state, 'undecided'), worker, key)];
      if (reserving.next === 'insert') yield* this.insert(state, worker, key);
      else if (reserving.next === 'read') yield* this.read(state, worker, key);
      else yield* this.takeOver(state, worker, key, reserving.seen);
    }
  }

  private *insert(state: State, worker: Worker, key: string): Generator<Next> {
    const exists = state.items[key] !== undefined;
    const owner = this.wanted(worker, key);
    const stored = exists ? state : write(state, key, { owner, endsAtSeconds: LATER_SECONDS, done: [] });
    const next = this.using.afterInsert(exists ? { Code: 'DuplicateItem' } : undefined);
    const label = `${worker.id} inserts ${key}`;
    if (next === 'granted')
      yield [label, this.granted(stored, worker, key, { owner, isNew: true, done: [] })];
    else if (next === 'read') yield [`${label}: exists`, this.reserving(stored, worker, key, { next })];
    if (state.left.requestLost > 0)
      yield [
        `${label}, request lost`,
        this.reserving(spend(state, 'requestLost'), worker, key, { next: 'insert' }),
      ];
    if (state.left.responseLost > 0)
      yield [
        `${label}, response lost`,
        this.reserving(spend(stored, 'responseLost'), worker, key, { next: 'insert' }),
      ];
  }

  private *read(state: State, worker: Worker, key: string): Generator<Next> {
    const item = state.items[key];
    const label = `${worker.id} reads ${key}`;
    if (!item) {
      yield [label, this.reserving(state, worker, key, { next: 'insert' })];
      return;
    }
    // A lease ends at some time after its attempt has ended, and not before.
    const isAbandoned = key.startsWith('turn#') && state.workers.every(({ id }) => id !== item.owner);
    const versions = isAbandoned && item.endsAtSeconds > 0 ? [item, { ...item, endsAtSeconds: 0 }] : [item];
    for (const seen of versions) {
      const next = this.using.afterRead(seen, NOW_SECONDS);
      const at = write(state, key, seen);
      if (next === 'granted') yield [label, this.granted(at, worker, key, { ...seen, isNew: false })];
      else yield [`${label}: ended`, this.reserving(at, worker, key, { next, seen })];
    }
  }

  private *takeOver(state: State, worker: Worker, key: string, seen: Stored): Generator<Next> {
    const item = state.items[key];
    const label = `${worker.id} takes over ${key}`;
    if (this.scenario.isUpdateDenied && key.startsWith('turn#')) {
      yield [`${label}: denied`, this.dropped(state, { ...worker, hasError: true }, key)];
      return;
    }
    const again = (from: State) => this.reserving(from, worker, key, { next: 'insert' });
    if (item?.owner !== seen.owner || item.endsAtSeconds !== seen.endsAtSeconds) {
      yield [`${label}: changed`, again(state)];
      return;
    }
    const owner = this.wanted(worker, key);
    const taken = write(state, key, { owner, endsAtSeconds: LATER_SECONDS, done: item.done });
    yield [label, this.granted(taken, worker, key, { owner, isNew: false, done: item.done })];
    if (state.left.responseLost > 0) yield [`${label}, response lost`, again(spend(taken, 'responseLost'))];
  }

  /** The owner that a worker writes into an item. */
  private wanted({ id, base }: Worker, key: string): string {
    return key.startsWith('turn#') ? id : this.message(base).owner;
  }

  private reserving(state: State, worker: Worker, key: string, next: Reserving): State {
    return replace(state, { ...worker, reserving: { ...worker.reserving, [key]: next } });
  }

  private granted(state: State, worker: Worker, key: string, { owner, isNew, done }: Grant): State {
    return this.dropped(
      state,
      { ...worker, grants: sorted({ ...worker.grants, [key]: { owner, isNew, done } }) },
      key,
    );
  }

  /** Ends the reserving of an item, and decides about all events after the last one. */
  private dropped(state: State, worker: Worker, key: string): State {
    const reserving = without(worker.reserving, key);
    if (Object.keys(reserving).length > 0) return replace(state, { ...worker, reserving });
    const { owner, events } = this.message(worker.base);
    const grant = worker.grants[`turn#${owner}`];
    const turn = this.using.decideTurn(grant, worker.id);
    const items = events.map((event) => {
      const isMarked = grant?.done.some((mark) => mark === event || mark === `quarantined ${event}`) ?? false;
      const claimedBy = worker.grants[`event#${event}`]?.owner;
      return {
        event,
        state: this.using.decideEvent({ turn, isMarked }, owner, claimedBy),
        isRecorded: false,
      };
    });
    return this.continued(state, { ...worker, reserving, grants: {} }, { items, turn, recording: 'open' });
  }

  /** Sets the items for the step `work`. */
  private continued(state: State, worker: Worker, progress: decisions.Progress<ModelItem>): State {
    const isWork = this.using.nextStep(progress) === 'work';
    const work = progress.items.filter(({ state: at }) => at === 'to publish' || at === 'to quarantine');
    const round = isWork ? work.map(({ event }) => event) : [];
    return replace(state, { ...worker, progress, round });
  }

  private *run(state: State, worker: Worker, progress: decisions.Progress<ModelItem>): Generator<Next> {
    const [event] = worker.round;
    const item = progress.items.find((one) => one.event === event);
    if (item?.state === 'to quarantine') yield* this.quarantine(state, worker, progress, item);
    else if (item) yield* this.publish(state, worker, progress, item);
    else if (this.using.nextStep(progress) === 'end') yield* this.report(state, worker, progress);
    else yield* this.record(state, worker, progress);
  }

  /** Sets the state of an item, and continues with the next one of the round. */
  private handled(
    state: State,
    worker: Worker,
    progress: decisions.Progress<ModelItem>,
    event: string,
    to: decisions.ItemState,
  ): State {
    const items = progress.items.map((one) => (one.event === event ? { ...one, state: to } : one));
    const round = worker.round.slice(1);
    const after = { ...progress, items };
    return round.length > 0
      ? replace(state, { ...worker, progress: after, round })
      : this.continued(state, worker, after);
  }

  private *publish(
    state: State,
    worker: Worker,
    progress: decisions.Progress<ModelItem>,
    { event }: ModelItem,
  ): Generator<Next> {
    const label = `${worker.id} publishes ${event}`;
    const { left, givenUp } = state;
    const owner = this.message(worker.base).owner;
    // A copy that is first seen after the dedup window is another event.
    const isLateCopy = state.isWindowOver && !givenUp.includes(`${owner} ${event}`);
    const published =
      isLateCopy && this.hasCopies(event) ? excuse(count(state, event), [event]) : count(state, event);
    yield [label, this.handled(published, worker, progress, event, 'published')];
    if (left.putFails > 0)
      yield [
        `${label}: not in time`,
        this.handled(spend(state, 'putFails'), worker, progress, event, 'left'),
      ];
    if (left.putRefused > 0)
      yield [
        `${label}: refused`,
        this.handled(spend(state, 'putRefused'), worker, progress, event, 'to quarantine'),
      ];
    if (left.putResponseLost > 0) {
      const unknown = excuse(spend(published, 'putResponseLost'), [event]);
      yield [`${label}, response lost, again`, unknown];
      yield [`${label}, response lost`, this.handled(unknown, worker, progress, event, 'left')];
    }
  }

  private hasCopies(event: string): boolean {
    const owners = Object.values(this.scenario.messages).flatMap(({ owner, events }) =>
      events.includes(event) ? [owner] : [],
    );
    return new Set(owners).size > 1;
  }

  private *quarantine(
    state: State,
    worker: Worker,
    progress: decisions.Progress<ModelItem>,
    { event }: ModelItem,
  ): Generator<Next> {
    const label = `${worker.id} quarantines ${event}`;
    const quarantined = [...new Set([...state.quarantined, event])].sort();
    yield [label, this.handled({ ...state, quarantined }, worker, progress, event, 'quarantined')];
    if (state.left.quarantineFails > 0)
      yield [
        `${label}: not accepted`,
        this.handled(spend(state, 'quarantineFails'), worker, progress, event, 'left'),
      ];
  }

  private *record(state: State, worker: Worker, progress: decisions.Progress<ModelItem>): Generator<Next> {
    const isRelease = this.using.nextStep(progress) === 'release';
    const label = `${worker.id} ${isRelease ? 'marks and releases' : 'marks'}`;
    if (!this.scenario.isUpdateDenied) {
      const marked = progress.items.filter((one) => this.using.isMarkable(one));
      const marks = marked.map((one) =>
        one.state === 'quarantined' ? `quarantined ${one.event}` : one.event,
      );
      const key = `turn#${this.message(worker.base).owner}`;
      const turn = state.items[key] as Stored;
      const done = [...new Set([...turn.done, ...marks])].sort();
      const isReleased = isRelease && turn.owner === worker.id;
      const at = write(state, key, { ...turn, done, endsAtSeconds: isReleased ? 0 : turn.endsAtSeconds });
      const items = progress.items.map((one) => (marked.includes(one) ? { ...one, isRecorded: true } : one));
      const recording = isRelease ? 'closed' : 'open';
      yield [label, this.continued(at, worker, { ...progress, items, recording })];
    }
    const failed = { ...progress, recording: isRelease ? 'closed' : 'failed' } as const;
    if (this.scenario.isUpdateDenied)
      yield [`${label}: denied`, this.continued(state, { ...worker, hasError: true }, failed)];
    else if (state.left.markFails > 0)
      yield [
        `${label}: not written`,
        this.continued(spend(state, 'markFails'), { ...worker, couldNotMark: true }, failed),
      ];
  }

  private *report(state: State, worker: Worker, { items }: decisions.Progress<ModelItem>): Generator<Next> {
    const isThrown = worker.hasError && !this.using.mustNotReturn(items);
    const isReturned = isThrown || this.using.isReturned(items);
    // What an attempt could not mark is unknown to the next one.
    const after = worker.couldNotMark ? excuseUnrecorded(state, items) : state;
    const owner = this.message(worker.base).owner;
    const copies = items.filter(
      (item) => item.state === 'duplicate' && (!worker.couldNotMark || !isReturned),
    );
    const noted = state.isWindowOver
      ? after
      : {
          ...after,
          givenUp: [...new Set([...after.givenUp, ...copies.map(({ event }) => `${owner} ${event}`)])].sort(),
        };
    const label = `${worker.id} ${isReturned ? 'returns' : 'finishes'} ${worker.messageId}`;
    yield [label, leave(noted, worker, isReturned)];
    if (!isReturned && state.left.deleteLost > 0)
      yield [`${label}, delete lost`, leave(spend(noted, 'deleteLost'), worker, true)];
  }

  private crash(state: State, worker: Worker): State {
    return leave(excuseUnrecorded(state, worker.progress?.items ?? []), worker, true);
  }
}

function spend(state: State, fault: Fault): State {
  return { ...state, left: { ...state.left, [fault]: state.left[fault] - 1 } };
}

function write(state: State, key: string, item: Stored): State {
  const { owner, endsAtSeconds, done } = item;
  const items = { ...state.items, [key]: { owner, endsAtSeconds, done } };
  return { ...state, items: sorted(items) };
}

function replace(state: State, worker: Worker): State {
  return { ...state, workers: state.workers.map((one) => (one.id === worker.id ? worker : one)) };
}

function count(state: State, event: string): State {
  return { ...state, published: { ...state.published, [event]: (state.published[event] ?? 0) + 1 } };
}

function excuse(state: State, events: readonly string[]): State {
  const excused = { ...state.excused };
  for (const event of events) excused[event] = (excused[event] ?? 0) + 1;
  return { ...state, excused };
}

function excuseUnrecorded(state: State, items: readonly ModelItem[]): State {
  const unrecorded = items.filter((item) => item.state === 'published' && !item.isRecorded);
  return excuse(
    state,
    unrecorded.map(({ event }) => event),
  );
}

/** The worker ends. Its message stays in the queue if it is kept, or if it is in progress elsewhere. */
function leave(state: State, worker: Worker, isKept: boolean): State {
  const workers = state.workers.filter(({ id }) => id !== worker.id);
  const message = state.queue[worker.messageId];
  if (!message) return { ...state, workers };
  const inFlight = message.inFlight - 1;
  const queue =
    isKept || inFlight > 0
      ? { ...state.queue, [worker.messageId]: { ...message, inFlight } }
      : without(state.queue, worker.messageId);
  return { ...state, workers, queue };
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _, ...rest } = record;
  return rest;
}

/** Records with the same contents must be the same state. */
function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
