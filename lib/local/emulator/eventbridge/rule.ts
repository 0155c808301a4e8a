import { optionalString } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { compileEventPattern, type EventMatcher } from './event-pattern.ts';
import { requiredName, requiredString, validationError } from './eventbridge-input.ts';
import { MAX_NAME_CHARACTERS, type Target } from './target.ts';

/** Whether a rule is active. */
export type RuleState = 'ENABLED' | 'DISABLED';

/** A rule of a bus. */
export interface Rule {
  name: string;
  arn: string;
  busName: string;
  /** The pattern as it was given. */
  eventPattern: string;
  matches: EventMatcher;
  state: RuleState;
  description: string | undefined;
  /** By id. */
  targets: Map<string, Target>;
}

/** The part of a rule that PutRule defines. */
export type RuleDefinition = Omit<Rule, 'arn' | 'busName' | 'targets'>;

/** Checks the input of PutRule and compiles the pattern. */
export function readRule(input: JsonObject): RuleDefinition {
  const name = requiredName(input, 'Name', MAX_NAME_CHARACTERS);
  const eventPattern = requiredString(input, 'EventPattern');
  const state = optionalString(input, 'State') ?? 'ENABLED';
  if (state !== 'ENABLED' && state !== 'DISABLED')
    throw validationError(`State of rule ${name} must be ENABLED or DISABLED, not '${state}'.`);
  return {
    name,
    eventPattern,
    matches: compileEventPattern(eventPattern),
    state,
    description: optionalString(input, 'Description'),
  };
}

/** A rule in the responses of DescribeRule and ListRules. */
export function describeRule(rule: Rule): JsonObject {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventBusName: rule.busName,
    EventPattern: rule.eventPattern,
    State: rule.state,
    ...(rule.description === undefined ? {} : { Description: rule.description }),
  };
}
