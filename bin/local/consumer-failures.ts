import type { Outcome } from 'switchboard-local/lambda/environment.ts';

/** Maximum number of error kinds reported individually. The rest are only counted. */
const MAX_REPORTED_KINDS = 20;
const MAX_CAUSES = 5;

/** Counts the failed invocations of the consumer, and reports each kind of error once. */
export class ConsumerFailures {
  count = 0;
  /** The latest error, with its causes. */
  last: string | undefined;
  private readonly reported = new Set<string>();
  private readonly report: (message: string) => void;

  constructor(report: (message: string) => void) {
    this.report = report;
  }

  /** An invocation ended. Injected crashes are not failures. */
  add(outcome: Outcome): void {
    if (outcome.kind !== 'error' && outcome.kind !== 'timeout') return;
    this.count += 1;
    const [kind, text] =
      outcome.kind === 'timeout'
        ? ['timeout', 'an invocation exceeded its timeout; the machine may be too busy']
        : [kindOf(outcome.error), describe(outcome.error)];
    this.last = text;
    if (this.reported.has(kind) || this.reported.size >= MAX_REPORTED_KINDS) return;
    this.reported.add(kind);
    this.report(`The consumer failed: ${text}`);
  }
}

/** Errors that differ only in numbers and ids are of the same kind. */
function kindOf(error: unknown): string {
  return describe(error).replace(/[0-9a-f-]{16,}|\d+/g, '#');
}

/** The error and its causes in one line. */
function describe(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  while (current instanceof Error && parts.length < MAX_CAUSES) {
    parts.push(`${current.name}: ${current.message.split('\n')[0]}`);
    current = current.cause;
  }
  return parts.length > 0 ? parts.join(', caused by ') : String(error);
}
