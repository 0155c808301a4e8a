import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { everyDelivery, everyOption } from '../cdk/every-option.ts';
import { policyLines } from '../cdk/policy-lines.ts';
import { deployment } from '../cdk/test-deployment.ts';
import { exceptionsUnder, rolesUnder, stale, unlisted } from '../templates/security-document.ts';

/** A reason must be a full sentence. */
const MIN_REASON_CHARACTERS = 40;
const GRANT = /^Switchboard(\w+?Role)DefaultPolicy: Allow (\S+) on /;

test('The table of permissions names every action of every role, and no other', () => {
  using made = deployment(everyOption);
  everyDelivery(made);
  const granted = policyLines(Template.fromStack(made.stack)).flatMap((line) => {
    const [, role, action] = GRANT.exec(line) ?? [];
    return role ? [`${role.replace(/^Delivery(?:Crm|Erp)/, 'Delivery')} ${action}`] : [];
  });
  const documented = rolesUnder('Permissions').flatMap(({ role, actions }) =>
    actions.map((action) => `${role} ${action}`),
  );
  expect([...new Set(documented)].sort()).toEqual([...new Set(granted)].sort());
});

test('Every exception names a check and resources, and states a reason', () => {
  for (const heading of ['Passed with `encryptionKey`', 'Accepted']) {
    const exceptions = exceptionsUnder(heading);
    expect(exceptions.length, heading).toBeGreaterThan(0);
    for (const { check, resources, reason } of exceptions) {
      expect(check).toMatch(/^CKV2?_[A-Z]+_\d+$/);
      expect(resources.length, check).toBeGreaterThan(0);
      expect(reason.length, check).toBeGreaterThan(MIN_REASON_CHARACTERS);
    }
  }
});

const TABLE = [
  '## Accepted',
  'Text.',
  '| check | resources | reason |',
  '|---|---|---|',
  '| `A_1`: buckets | `MyBucket`, `Other*` | Because. |',
  '## More',
  '| `A_2` | `MyBucket` | Below another heading. |',
].join('\n');

test('A finding is listed if an exception names its check and its resource', () => {
  const exceptions = exceptionsUnder('Accepted', TABLE);
  expect(exceptions).toEqual([{ check: 'A_1', resources: ['MyBucket', 'Other*'], reason: 'Because.' }]);
  const listed = [
    { check: 'A_1', resource: 'MyBucket' },
    { check: 'A_1', resource: 'OtherBucket' },
  ];
  const others = [
    { check: 'A_2', resource: 'MyBucket' },
    { check: 'A_1', resource: 'MyBucket2' },
  ];
  expect(unlisted([...listed, ...others], exceptions)).toEqual(others);
});

test('A resource of an exception that matches no finding is stale', () => {
  const exceptions = exceptionsUnder('Accepted', TABLE);
  expect(stale([{ check: 'A_1', resource: 'OtherBucket' }], exceptions)).toEqual([
    { check: 'A_1', resource: 'MyBucket' },
  ]);
  expect(stale([{ check: 'A_2', resource: 'MyBucket' }], exceptions)).toHaveLength(2);
});
