import { optionalObjects, optionalStrings } from '../action-input.ts';
import type { Action, JsonObject } from '../emulated-service.ts';
import type { EventBuses } from './event-buses.ts';
import { limitExceededError, listed, validationError } from './eventbridge-input.ts';
import type { Rule } from './rule.ts';
import { findRule } from './rule-actions.ts';
import { readTarget } from './target.ts';

/** Quota "Targets per rule". */
export const MAX_TARGETS_PER_RULE = 5;

/** The actions on targets, by name. */
export function targetActions(buses: EventBuses): Record<string, Action> {
  return {
    PutTargets: (input) => putTargets(findRule(buses, input, 'Rule'), input),
    RemoveTargets: (input) => removeTargets(findRule(buses, input, 'Rule'), input),
    ListTargetsByRule: (input) => {
      const targets = listed(findRule(buses, input, 'Rule').targets.values(), ({ id }) => id, input);
      return { Targets: targets.map(({ definition }) => definition) };
    },
  };
}

/** Adds targets and replaces those with the same id. If one is refused, none is added. */
function putTargets(rule: Rule, input: JsonObject): JsonObject {
  const targets = (optionalObjects(input, 'Targets') ?? []).map(readTarget);
  if (targets.length === 0) throw validationError('Targets must have at least one element.');
  const after = new Map(rule.targets);
  for (const target of targets) after.set(target.id, target);
  if (after.size > MAX_TARGETS_PER_RULE)
    throw limitExceededError(
      `Rule ${rule.name} can have ${MAX_TARGETS_PER_RULE} targets, and would have ${after.size}: remove some first.`,
    );
  rule.targets = after;
  return { FailedEntryCount: 0, FailedEntries: [] };
}

function removeTargets(rule: Rule, input: JsonObject): JsonObject {
  const ids = optionalStrings(input, 'Ids');
  if (ids.length === 0) throw validationError('Ids must have at least one element.');
  const failed = ids.filter((id) => !rule.targets.delete(id));
  return {
    FailedEntryCount: failed.length,
    FailedEntries: failed.map((id) => ({
      TargetId: id,
      ErrorCode: 'ResourceNotFoundException',
      ErrorMessage: `Rule ${rule.name} does not have a target with Id ${id}.`,
    })),
  };
}
