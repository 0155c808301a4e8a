import { optionalString } from '../action-input.ts';
import { type Action, AwsError, type JsonObject } from '../emulated-service.ts';
import {
  limitExceededError,
  listed,
  notFoundError,
  requiredName,
  requiredString,
  validationError,
} from './eventbridge-input.ts';
import type { Rule } from './rule.ts';

/** Quota "Event buses" of an account. */
export const MAX_BUSES = 100;
const MAX_BUS_NAME_CHARACTERS = 256;
const BUS_NAME = /^[/.\-_A-Za-z0-9]+$/;
/** Names of partner event sources: `aws.partner/<partner>/<namespace>/<name>` (API reference). */
const PARTNER_SOURCE = /^aws\.partner(?:\/[.\-_A-Za-z0-9]+){2,}$/;

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
  private readonly arnPrefix: string;
  private readonly buses = new Map<string, EventBus>();
  private readonly partnerSources = new Set<string>();

  /** @param arnPrefix the start of every ARN of the service: `arn:aws:events:<region>:<account>:`. */
  constructor(arnPrefix: string) {
    this.arnPrefix = arnPrefix;
    this.add(DEFAULT_BUS);
  }

  /** The actions on buses, by name. */
  get actions(): Record<string, Action> {
    return {
      CreateEventBus: (input) => this.create(input),
      CreatePartnerEventSource: (input) => this.createPartnerSource(input),
      DescribeEventSource: (input) => this.describePartnerSource(input),
      DeleteEventBus: (input) => this.delete(input),
      DescribeEventBus: (input) => describe(this.get(optionalString(input, 'Name'))),
      ListEventBuses: (input) => {
        const buses = listed(this.buses.values(), ({ name }) => name, input);
        return { EventBuses: buses.map(describe) };
      },
    };
  }

  /** The bus of a name or ARN, by default the default bus; undefined if it does not exist. */
  find(nameOrArn: string = DEFAULT_BUS): EventBus | undefined {
    const prefix = `${this.arnPrefix}event-bus/`;
    return this.buses.get(nameOrArn.startsWith(prefix) ? nameOrArn.slice(prefix.length) : nameOrArn);
  }

  /** As {@link find}. @throws AwsError (ResourceNotFoundException) if the bus does not exist. */
  get(nameOrArn: string = DEFAULT_BUS): EventBus {
    const bus = this.find(nameOrArn);
    if (bus === undefined) throw notFoundError(`Event bus ${nameOrArn} does not exist.`);
    return bus;
  }

  /** Whether a partner has created an event source, whether or not it has a bus. */
  isPartnerSource(name: string): boolean {
    return this.partnerSources.has(name);
  }

  /** An action for partners. Here, one account is both the partner's and the customer's. */
  private createPartnerSource(input: JsonObject): JsonObject {
    const name = requiredName(input, 'Name', MAX_BUS_NAME_CHARACTERS, PARTNER_SOURCE);
    requiredString(input, 'Account');
    if (this.partnerSources.has(name))
      throw new AwsError('ResourceAlreadyExistsException', `Event source ${name} already exists.`);
    if (this.partnerSources.size >= MAX_BUSES)
      throw limitExceededError(`There can be ${MAX_BUSES} partner event sources.`);
    this.partnerSources.add(name);
    return { EventSourceArn: this.sourceArn(name) };
  }

  private describePartnerSource(input: JsonObject): JsonObject {
    const name = requiredString(input, 'Name');
    if (!this.partnerSources.has(name)) throw notFoundError(`Event source ${name} does not exist.`);
    const State = this.buses.has(name) ? 'ACTIVE' : 'PENDING';
    return { Name: name, Arn: this.sourceArn(name), CreatedBy: name.split('/')[1], State };
  }

  private sourceArn(name: string): string {
    return `${this.arnPrefix}event-source/${name}`;
  }

  private create(input: JsonObject): JsonObject {
    const name = requiredName(input, 'Name', MAX_BUS_NAME_CHARACTERS, BUS_NAME);
    if (this.buses.has(name))
      throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    const source = optionalString(input, 'EventSourceName');
    if (source !== undefined && source !== name)
      throw validationError(`A partner event bus must have the name of its event source, ${source}.`);
    if (source !== undefined && !this.partnerSources.has(source))
      throw notFoundError(`Event source ${source} does not exist.`);
    if (this.buses.size >= MAX_BUSES)
      throw limitExceededError(`An account can have ${MAX_BUSES} event buses: delete one first.`);
    return { EventBusArn: this.add(name).arn };
  }

  private add(name: string): EventBus {
    const bus: EventBus = { name, arn: `${this.arnPrefix}event-bus/${name}`, rules: new Map() };
    this.buses.set(name, bus);
    return bus;
  }

  /** Succeeds for a bus that does not exist, as in AWS. */
  private delete(input: JsonObject): undefined {
    const name = requiredString(input, 'Name');
    if (name === DEFAULT_BUS) throw validationError('Cannot delete event bus default.');
    const bus = this.find(name);
    if (bus === undefined) return;
    if (bus.rules.size > 0)
      throw validationError(`Event bus ${name} can't be deleted since it has rules: delete them first.`);
    this.buses.delete(name);
  }
}

function describe({ name, arn }: EventBus): JsonObject {
  return { Name: name, Arn: arn };
}
