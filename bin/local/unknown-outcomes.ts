import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import { DYNAMODB_WRITES, messageOwner, messageSerials, PUT_EVENTS, putEventsSerials } from './wire-facts.ts';

/**
 * Serial numbers of the events that a killed invocation published without knowing that it is recorded. They are in a
 * PutEvents request that was sent, and no write to DynamoDB that names the owner of their message was answered after
 * that request. An event in several messages is recorded once all of its messages are.
 */
export function unknownOutcomes({
  records,
  calls,
  outcome,
}: Pick<Invocation, 'records' | 'calls' | 'outcome'>): number[] {
  const unsent = outcome.kind === 'crash' && outcome.when === 'before' ? outcome.call - 1 : -1;
  const messages = records.map(({ body }) => ({
    owner: messageOwner(body),
    serials: new Set(messageSerials(body)),
  }));
  return calls.flatMap(({ target, body }, index) => {
    if (target !== PUT_EVENTS || index === unsent) return [];
    const later = calls
      .slice(index + 1)
      .filter((call) => call.answered && DYNAMODB_WRITES.has(call.target))
      .map((call) => call.body);
    const isRecorded = (owner: string | undefined) =>
      owner !== undefined && later.some((text) => text.includes(owner));
    return putEventsSerials(body).filter((serial) => {
      const carriers = messages.filter(({ serials }) => serials.has(serial));
      return carriers.length === 0 || !carriers.every(({ owner }) => isRecorded(owner));
    });
  });
}
