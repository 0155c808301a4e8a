/** `field op value`. The value can be quoted. */
const CLAUSE = /^([\w.]+)\s+(eq|contains|gt)\s+(.+)$/;

/** `and` outside of quotes. */
const AND = /\s+and\s+(?=(?:[^'"]|'[^']*'|"[^"]*")*$)/;

/** One comparison of a condition. */
interface Clause {
  readonly field: string;
  readonly op: string;
  readonly value: string;
}

/** The comparisons of a condition, joined by `and`; undefined if it is empty, has a wildcard or is not readable. */
export function parseCondition(condition: unknown): readonly Clause[] | undefined {
  if (typeof condition !== 'string' || condition.includes('*')) return undefined;
  const clauses = condition.split(AND).map((text) => {
    const [, field = '', op = '', value = ''] = CLAUSE.exec(text.trim()) ?? [];
    return { field, op, value: value.replace(/^(['"])(.*)\1$/, '$2') };
  });
  return clauses.every(({ field, value }) => field !== '' && value !== '') ? clauses : undefined;
}

/** Whether an event meets all comparisons. */
export function meets(clauses: readonly Clause[], event: object): boolean {
  return clauses.every(({ field, op, value }) => {
    const found = fieldOf(event, field);
    if (found === undefined || typeof found === 'object') return false;
    switch (op) {
      case 'eq':
        return String(found) === value;
      case 'contains':
        return String(found).includes(value);
      default:
        return typeof found === 'number' ? found > Number(value) : String(found) > value;
    }
  });
}

function fieldOf(event: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
      event,
    );
}
