import { optionalString } from '../input.ts';
import { type Action, AwsError, type JsonObject } from '../service.ts';
import {
  limitExceededError,
  notFoundError,
  page,
  requiredName,
  requiredString,
  validationError,
} from './parameters.ts';
import type { Rule } from './rule.ts';

/** Quota "Event buses" of an account. */
export const BUSES_MAX = 100;
const BUS_NAME_CHARACTERS_MAX = 256;
const BUS_NAME = /^[/.\-_A-Za-z0-9]+$/;

/** The bus that every account has. */
export const DEFAULT_BUS = 'default';

/** An event bus and its rules, by name. */
export interface EventBus {
  name: string;
  arn: string;
  rules: Map<string, Rule>;
}

/** The event buses of one account and region. */
export class EventBuses {
  readonly #arnPrefix: string;
  readonly #buses = new Map<string, EventBus>();

  /** @param arnPrefix what every ARN of the service begins with: `arn:aws:events:<region>:<account>:`. */
  constructor(arnPrefix: string) {
    this.#arnPrefix = arnPrefix;
    this.#add(DEFAULT_BUS);
  }

  /** The actions on buses, by name. */
  get actions(): Record<string, Action> {
    return {
      CreateEventBus: (input) => this.#create(input),
      DeleteEventBus: (input) => this.#delete(input),
      DescribeEventBus: (input) => describe(this.get(optionalString(input, 'Name'))),
      ListEventBuses: (input) => {
        const { items, next } = page(this.#buses.values(), ({ name }) => name, input);
        return { EventBuses: items.map(describe), ...next };
      },
    };
  }

  /** The bus of a name or ARN, the default one where none is given; undefined where there is none. */
  find(nameOrArn: string = DEFAULT_BUS): EventBus | undefined {
    const prefix = `${this.#arnPrefix}event-bus/`;
    return this.#buses.get(nameOrArn.startsWith(prefix) ? nameOrArn.slice(prefix.length) : nameOrArn);
  }

  /** As {@link find}. @throws AwsError (ResourceNotFoundException) where there is none. */
  get(nameOrArn: string = DEFAULT_BUS): EventBus {
    const bus = this.find(nameOrArn);
    if (bus === undefined) throw notFoundError(`Event bus ${nameOrArn} does not exist.`);
    return bus;
  }

  #create(input: JsonObject): JsonObject {
    const name = requiredName(input, 'Name', BUS_NAME_CHARACTERS_MAX, BUS_NAME);
    if (optionalString(input, 'EventSourceName') !== undefined)
      throw validationError('Partner event sources are not in the emulator: leave out EventSourceName.');
    if (this.#buses.has(name))
      throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    if (this.#buses.size >= BUSES_MAX)
      throw limitExceededError(`An account can have ${BUSES_MAX} event buses: delete one first.`);
    return { EventBusArn: this.#add(name).arn };
  }

  #add(name: string): EventBus {
    const bus: EventBus = { name, arn: `${this.#arnPrefix}event-bus/${name}`, rules: new Map() };
    this.#buses.set(name, bus);
    return bus;
  }

  /** Deleting what is not there succeeds, as in AWS. */
  #delete(input: JsonObject): undefined {
    const name = requiredString(input, 'Name');
    if (name === DEFAULT_BUS) throw validationError('Cannot delete event bus default.');
    const bus = this.find(name);
    if (bus === undefined) return;
    if (bus.rules.size > 0)
      throw validationError(`Event bus ${name} can't be deleted since it has rules: delete them first.`);
    this.#buses.delete(name);
  }
}

function describe({ name, arn }: EventBus): JsonObject {
  return { Name: name, Arn: arn };
}
