import type { Template } from 'aws-cdk-lib/assertions';
import { plain, unhashed } from './test-deployment.ts';

interface Statement {
  Effect: string;
  Action: unknown;
  Resource?: unknown;
  Principal?: unknown;
  Condition?: unknown;
}

/**
 * Lists all permissions in the policies of a template, with one line per action and resource:
 * `<logical id>: Allow <action> on <resource> [to <principal>] [if <condition>]`. Includes managed policies of roles.
 */
export function policyLines(template: Template): string[] {
  const lines: string[] = [];
  const resources = template.toJSON().Resources as Record<string, { Properties?: Record<string, unknown> }>;
  for (const [id, { Properties = {} }] of Object.entries(resources)) {
    const owner = unhashed(id);
    for (const arn of list(Properties.ManagedPolicyArns)) lines.push(`${owner}: managed ${text(arn)}`);
    for (const document of documentsIn(Properties)) {
      for (const statement of document.Statement)
        lines.push(...linesOf(statement).map((line) => `${owner}: ${line}`));
    }
  }
  return lines.sort();
}

function linesOf({ Effect, Action, Resource, Principal, Condition }: Statement): string[] {
  const end = [
    ...(Principal === undefined ? [] : [`to ${text(Principal)}`]),
    ...(Condition === undefined ? [] : [`if ${text(Condition)}`]),
  ];
  return list(Action).flatMap((action) =>
    list(Resource ?? 'itself').map((resource) =>
      [`${Effect} ${text(action)} on ${text(resource)}`, ...end].join(' '),
    ),
  );
}

function documentsIn(value: unknown): { Statement: Statement[] }[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('Statement' in value && Array.isArray(value.Statement)) return [value as { Statement: Statement[] }];
  return Object.values(value).flatMap(documentsIn);
}

function list(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function text(value: unknown): string {
  const simple = plain(value);
  return unhashed(typeof simple === 'string' ? simple : JSON.stringify(simple));
}
