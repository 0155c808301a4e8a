import { randomUUID } from 'node:crypto';
import type { Answer } from './aws-json-protocol.ts';
import type { AwsError } from './emulated-service.ts';
import { NotEmulatedError } from './not-emulated.ts';

/**
 * Handles a request in the query protocol, a form POST with a response in XML. The only supported action is STS
 * GetCallerIdentity, which many tools call first.
 */
export function answerQuery(form: string, accountId: string): Answer {
  const action = new URLSearchParams(form).get('Action') ?? '';
  if (action !== 'GetCallerIdentity')
    throw new NotEmulatedError(
      { where: "AWS's query protocol", kind: 'action', name: action, supported: ['GetCallerIdentity'] },
      'InvalidAction',
    );
  const body =
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
    `<Arn>arn:aws:iam::${accountId}:root</Arn><UserId>${accountId}</UserId><Account>${accountId}</Account>` +
    '</GetCallerIdentityResult><ResponseMetadata>' +
    `<RequestId>${randomUUID()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

/** A query-protocol error, in XML. */
export function queryErrorAnswer(error: AwsError): Answer {
  const message = error.message.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
  const body =
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>' +
    `<Code>${error.code}</Code><Message>${message}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
  return { status: error.status, headers: { 'content-type': 'text/xml' }, body };
}
