/** `field op value`. A value with spaces is in quotes. */
const CLAUSE = /^([A-Za-z_][\w.]*)\s+(\S+)(?:\s+(.*))?$/s;
/** `and` outside quotes: all quotes after it are balanced. */
const AND = /\s+and\s+(?=(?:[^'"]|'[^']*'|"[^"]*")*$)/;
const OPERATORS: readonly string[] = ['eq', 'contains', 'gt'];
/** Characters that other query languages use as wildcards. Conditions do not support wildcards. */
const WILDCARD = /[*%]/;
/** Every event type begins with this string. */
const COMMON_PREFIX = 'v2.';
const SYNTAX = 'use `field op value`, joined by `and`, where op is eq, contains or gt';

/**
 * Checks the condition of a routing rule: comparisons `field op value` joined by `and`. A condition that would match
 * every event is refused, because it would stream the whole organization.
 *
 * @returns one sentence per problem, without a final period; empty if the condition is valid
 */
export function conditionProblems(condition: string): string[] {
  if (condition.trim() === '')
    return [`the condition is empty, which would stream the whole organization; ${SYNTAX}`];
  return condition.split(AND).flatMap((clause) => clauseProblem(clause.trim()) ?? []);
}

function clauseProblem(clause: string): string | undefined {
  const [, field, operator = '', rest = ''] = CLAUSE.exec(clause) ?? [];
  if (WILDCARD.test(clause))
    return `the condition "${clause}" has a wildcard, which would stream the whole organization; compare with a value`;
  if (field === undefined) return `"${clause}" is not a comparison; ${SYNTAX}`;
  if (!OPERATORS.includes(operator)) return `the operator ${operator} in "${clause}" is unknown; ${SYNTAX}`;
  const value = unquoted(rest.trim());
  if (value === undefined) return `the value in "${clause}" has spaces or an open quote; put it in quotes`;
  if (value.trim() === '')
    return `the condition "${clause}" has no value, so it would stream the whole organization; ${SYNTAX}`;
  if (field === 'eventType' && operator === 'contains' && COMMON_PREFIX.includes(value))
    return `every event type contains "${value}", so the condition would stream the whole organization; name a topic`;
  return undefined;
}

/** @returns undefined if the value is not one word and not quoted */
function unquoted(value: string): string | undefined {
  const quoted = /^(?:'([^']*)'|"([^"]*)")$/.exec(value);
  if (quoted) return quoted[1] ?? quoted[2];
  return /[\s'"]/.test(value) ? undefined : value;
}
