import { redact } from '../../lib/events/redaction.ts';
import type { CountedDestination } from './destination-queues.ts';
import type { DestinationState } from './destination-states.ts';

/** Characters that could control a terminal. Reasons quote the destination. */
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** The destinations in readable form. */
export function deliveriesAsText(destinations: readonly CountedDestination[], nowMs: number): string {
  if (destinations.length === 0)
    return 'No destinations. A destination is listed after its first delivery.\n';
  const title = `${destinations.length} ${destinations.length === 1 ? 'destination' : 'destinations'}.`;
  return `${[title, ...destinations.map((one) => blockOf(one, nowMs))].join('\n\n')}\n`;
}

/** The destinations for programs, as one JSON object. Unknown values are null. */
export function deliveriesAsJson(destinations: readonly CountedDestination[]): string {
  return `${JSON.stringify({
    destinations: destinations.map((one) => ({
      name: one.name,
      origin: one.origin ?? null,
      state: one.state,
      since: time(one.sinceMs),
      reason: one.reason === undefined ? null : redact(one.reason),
      retryAt: time(one.retryAtMs),
      waiting: one.waiting ?? null,
      inFlight: one.inFlight ?? null,
      deadLetters: one.deadLetters ?? null,
      queueUrl: one.queueUrl ?? null,
      deadLetterQueueUrl: one.deadLetterQueueUrl ?? null,
      updatedAt: time(one.updatedAtMs),
    })),
  })}\n`;
}

function blockOf(one: CountedDestination, nowMs: number): string {
  const { name, origin, state, sinceMs, reason } = one;
  const since = sinceMs === undefined ? '' : ` since ${time(sinceMs)}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return [
    origin === undefined ? name : `${name}  ${origin}`,
    `  state         ${state.replace('_', '-')}${since}${why}`,
    ...nextCall(one, nowMs).map((text) => `  next call     ${text}`),
    `  waiting       ${count(one.waiting)}`,
    `  in flight     ${count(one.inFlight)}`,
    `  dead letters  ${count(one.deadLetters)}`,
  ]
    .map((line) => redact(line).replace(CONTROL_CHARACTERS, ' '))
    .join('\n');
}

function nextCall({ name, state, retryAtMs }: DestinationState, nowMs: number): string[] {
  if (state === 'stopped') return [`after switchboard deliveries resume ${name}`];
  if (retryAtMs !== undefined && retryAtMs > nowMs) return [`not before ${time(retryAtMs)}`];
  return state === 'open' ? ['with the next message'] : [];
}

function count(messages: number | undefined): string {
  return messages === undefined ? 'unknown' : String(messages);
}

function time(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
