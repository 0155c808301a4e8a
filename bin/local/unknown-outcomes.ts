import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import { DYNAMODB_WRITES, messageOwner, messageSerials, PUT_EVENTS, putEventsSerials } from './wire-facts.ts';

/** An invocation that took this share of its time limit has reached it: the consumer reserves the rest for its report. */
const REACHED_SHARE = 0.6;

type Ended = Pick<Invocation, 'records' | 'calls' | 'outcome' | 'failedMessageIds' | 'durationMs'>;

/**
 * Serial numbers of the events that an invocation published without knowing that this is recorded.
 *
 * @param timeLimitMs - time limit of the function
 */
export function unknownOutcomes(invocation: Ended, timeLimitMs: number): number[] {
  const { kind } = invocation.outcome;
  if (kind === 'crash' || kind === 'timeout') return ofKilled(invocation);
  return invocation.durationMs < REACHED_SHARE * timeLimitMs ? [] : ofReturned(invocation);
}

/**
 * Events of a killed invocation are in a PutEvents request that was sent, and no write to DynamoDB that names the owner of
 * their message succeeded after that request. An event in several messages is recorded once all of its messages are.
 */
function ofKilled({ records, calls, outcome }: Ended): number[] {
  const unsent = outcome.kind === 'crash' && outcome.when === 'before' ? outcome.call - 1 : -1;
  const messages = records.map(({ body }) => ({
    owner: messageOwner(body),
    serials: new Set(messageSerials(body)),
  }));
  return calls.flatMap(({ target, body }, index) => {
    if (target !== PUT_EVENTS || index === unsent) return [];
    const later = calls
      .slice(index + 1)
      .filter((call) => call.succeeded && DYNAMODB_WRITES.has(call.target))
      .map((call) => call.body);
    const isRecorded = (owner: string | undefined) =>
      owner !== undefined && later.some((text) => text.includes(owner));
    return putEventsSerials(body).filter((serial) => {
      const carriers = messages.filter(({ serials }) => serials.has(serial));
      return carriers.length === 0 || !carriers.every(({ owner }) => isRecorded(owner));
    });
  });
}

/** At its time limit, an invocation returns the messages whose responses it has not read. They are published again. */
function ofReturned({ records, calls, failedMessageIds }: Ended): number[] {
  const returned = new Set(
    records.flatMap(({ messageId, body }) => (failedMessageIds.has(messageId) ? messageSerials(body) : [])),
  );
  const sent = calls.flatMap(({ target, body }) => (target === PUT_EVENTS ? putEventsSerials(body) : []));
  return sent.filter((serial) => returned.has(serial));
}
