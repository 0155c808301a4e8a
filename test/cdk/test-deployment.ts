import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Switchboard, type SwitchboardProps } from '../../lib/cdk/index.ts';

export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');

/** The least that a user has to say. */
export const REQUIRED = {
  genesysDomain: 'mypurecloud.de',
  secret: 'switchboard/genesys',
  topics: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
} as const satisfies SwitchboardProps;

/** The context of `cdk.json`: the feature flags under which the app is really synthesized. */
const { context } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

/** No stack is bundled: few tests look into the bundles. */
const WITHOUT_BUNDLES = { 'aws:cdk:bundling-stacks': [] };

/** What an app in a test has like one by the command line. */
export interface Like {
  /** Real bundles instead of empty ones. */
  bundles?: boolean;
  /** CDK's own check of a template, which takes a second to load. */
  checks?: boolean;
  context?: Record<string, unknown>;
}

/** An app in a directory of its own. */
export function testApp({
  bundles = false,
  checks = false,
  context: more = {},
}: Like = {}): App & Disposable {
  const outdir = mkdtempSync(join(tmpdir(), 'switchboard-cdk-'));
  const app = new App({
    outdir,
    builtinCloudFormationValidation: checks,
    context: { ...context, ...(bundles ? {} : WITHOUT_BUNDLES), ...more },
  });
  return Object.assign(app, { [Symbol.dispose]: () => rmSync(outdir, { recursive: true, force: true }) });
}

export interface Deployment extends Disposable {
  app: App;
  stack: Stack;
  switchboard: Switchboard;
}

/** A stack with one Switchboard. `props` may need constructs of the stack. */
export function deployment(
  props: (stack: Stack) => Partial<SwitchboardProps> = () => ({}),
  like: Like = {},
): Deployment {
  const app = testApp(like);
  const stack = new Stack(app, 'Test');
  const switchboard = new Switchboard(stack, 'Switchboard', { ...REQUIRED, ...props(stack) });
  return { app, stack, switchboard, [Symbol.dispose]: () => app[Symbol.dispose]() };
}

/** The template of a deployment whose files are not needed any more. */
export function templateOf(props?: (stack: Stack) => Partial<SwitchboardProps>, like?: Like): Template {
  using made = deployment(props, like);
  return Template.fromStack(made.stack);
}

/** A CloudFormation value as short text: references become `<LogicalId>` or `<LogicalId.Attribute>`. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [key, inner] = entries[0] ?? [];
  if (entries.length === 1) {
    if (key === 'Ref') return `<${inner}>`;
    if (key === 'Fn::GetAtt') return `<${(inner as string[]).join('.')}>`;
    if (key === 'Fn::Sub') return String(inner).replace(/\$\{([^}]+)\}/g, '<$1>');
    if (key === 'Fn::Join') {
      const [separator, parts] = inner as [string, unknown[]];
      return parts.map(plain).join(separator);
    }
  }
  return Object.fromEntries(entries.map(([name, one]) => [name, plain(one)]));
}

/** A logical id without the hash that CDK puts behind it. */
export function unhashed(text: string): string {
  return text.replace(/(?<=[A-Za-z])[0-9A-F]{8}(?=[>.]|$)/g, '');
}
