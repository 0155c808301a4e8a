import type { Invocation } from 'switchboard-local/lambda/poller-options.ts';
import { DYNAMODB_WRITES, messageOwner, messageSerials, PUT_EVENTS, putEventsSerials } from './wire-facts.ts';

/**
 * Serial numbers of the events that an invocation published without knowing that it is recorded. They are in a PutEvents
 * request that was sent, and no write to DynamoDB that names the owner of their message succeeded after that request.
 * An event in several messages is recorded once all of its messages are.
 *
 * If the invocation was not killed, it must have tried: it did not get the answer to the PutEvents request or to such a
 * write before its time limit.
 */
export function unknownOutcomes({
  records,
  calls,
  outcome,
}: Pick<Invocation, 'records' | 'calls' | 'outcome'>): number[] {
  const wasKilled = outcome.kind === 'crash' || outcome.kind === 'timeout';
  const unsent = outcome.kind === 'crash' && outcome.when === 'before' ? outcome.call - 1 : -1;
  const messages = records.map(({ body }) => ({
    owner: messageOwner(body),
    serials: new Set(messageSerials(body)),
  }));
  return calls.flatMap(({ target, body, answered }, index) => {
    if (target !== PUT_EVENTS || index === unsent) return [];
    const later = calls.slice(index + 1).filter((call) => DYNAMODB_WRITES.has(call.target));
    const writesFor = (owner: string | undefined) =>
      owner === undefined ? [] : later.filter((call) => call.body.includes(owner));
    const isUnanswered = ({ owner }: { owner: string | undefined }) =>
      writesFor(owner).some((call) => !call.answered);
    return putEventsSerials(body).filter((serial) => {
      const carriers = messages.filter(({ serials }) => serials.has(serial));
      const unrecorded = carriers.filter(({ owner }) => !writesFor(owner).some(({ succeeded }) => succeeded));
      if (carriers.length > 0 && unrecorded.length === 0) return false;
      return wasKilled || !answered || unrecorded.some(isUnanswered);
    });
  });
}
