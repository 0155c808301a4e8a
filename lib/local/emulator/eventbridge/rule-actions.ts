import { optionalString } from '../action-input.ts';
import type { Action, JsonObject } from '../emulated-service.ts';
import { DEFAULT_BUS, type EventBus, type EventBuses } from './event-buses.ts';
import {
  limitExceededError,
  listed,
  notFoundError,
  requiredString,
  validationError,
} from './eventbridge-input.ts';
import { describeRule, type Rule, readRule } from './rule.ts';

/** Quota "Rules" of a bus. */
export const MAX_RULES_PER_BUS = 300;

/** The actions on rules, by name. */
export function ruleActions(buses: EventBuses, arnPrefix: string): Record<string, Action> {
  return {
    PutRule: (input) => putRule(busOf(buses, input), arnPrefix, input),
    DeleteRule: (input) => deleteRule(busOf(buses, input), input),
    DescribeRule: (input) => describeRule(findRule(buses, input, 'Name')),
    ListRules: (input) => {
      const rules = listed(busOf(buses, input).rules.values(), ({ name }) => name, input);
      return { Rules: rules.map(describeRule) };
    },
  };
}

/** The rule that an input names, on the bus that it names. @param member the member with the rule's name. */
export function findRule(buses: EventBuses, input: JsonObject, member: 'Name' | 'Rule'): Rule {
  const name = requiredString(input, member);
  const bus = busOf(buses, input);
  const rule = bus.rules.get(name);
  if (rule === undefined) throw notFoundError(`Rule ${name} does not exist on EventBus ${bus.name}.`);
  return rule;
}

function busOf(buses: EventBuses, input: JsonObject): EventBus {
  return buses.get(optionalString(input, 'EventBusName'));
}

/** Replaces a rule of the same name, which keeps its targets. */
function putRule(bus: EventBus, arnPrefix: string, input: JsonObject): JsonObject {
  const definition = readRule(input);
  const { name } = definition;
  const known = bus.rules.get(name);
  if (known === undefined && bus.rules.size >= MAX_RULES_PER_BUS)
    throw limitExceededError(`Event bus ${bus.name} can have ${MAX_RULES_PER_BUS} rules: delete one first.`);
  const arn = `${arnPrefix}rule/${bus.name === DEFAULT_BUS ? '' : `${bus.name}/`}${name}`;
  bus.rules.set(name, { ...definition, arn, busName: bus.name, targets: known?.targets ?? new Map() });
  return { RuleArn: arn };
}

/** Succeeds for a rule that does not exist, as in AWS. */
function deleteRule(bus: EventBus, input: JsonObject): undefined {
  const name = requiredString(input, 'Name');
  const rule = bus.rules.get(name);
  if (rule !== undefined && rule.targets.size > 0)
    throw validationError(`Rule ${name} can't be deleted since it has targets: remove them first.`);
  bus.rules.delete(name);
}
