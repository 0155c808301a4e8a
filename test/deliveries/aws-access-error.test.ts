import { expect, test } from 'vitest';
import { explainQueueError, explainTableError } from '../../bin/aws-access/aws-access-error.ts';

const named = (name: string, message = 'because') => Object.assign(new Error(message), { name });

test.each(['AccessDenied', 'AccessDeniedException', 'KmsAccessDenied'])(
  'A queue that the credentials may not use is reported with the permissions (%s)',
  (name) => {
    expect(explainQueueError(named(name), 'crm', 'sqs:GetQueueAttributes')).toMatchObject({
      code: 'denied',
      message:
        'The credentials do not allow access to crm. Required permissions: sqs:GetQueueAttributes, and kms:Decrypt and kms:GenerateDataKey if you use your own key (because).',
    });
  },
);

test('A table that the credentials may not use is reported with the permissions', () => {
  expect(explainTableError(named('AccessDeniedException'), 'state', 'dynamodb:Query')).toMatchObject({
    code: 'denied',
    message:
      'The credentials do not allow access to state. Required permissions: dynamodb:Query, and kms:Decrypt if you use your own key (because).',
  });
});

test.each([
  'CredentialsProviderError',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'InvalidSignatureException',
])('Credentials that are missing or not accepted are reported for a queue too (%s)', (name) => {
  expect(explainQueueError(named(name), 'crm', '')).toMatchObject({
    code: 'no_credentials',
    message: expect.stringContaining('Set AWS_PROFILE'),
  });
});

test('An error that the user cannot fix is returned unchanged', () => {
  const error = named('InternalError');
  expect(explainQueueError(error, 'crm', '')).toBe(error);
  expect(explainTableError(error, 'state', '')).toBe(error);
});
