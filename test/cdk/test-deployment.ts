import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Switchboard, SwitchboardConfigurationError, type SwitchboardProps } from '../../lib/cdk/index.ts';

export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');

/** The required properties. */
export const REQUIRED = {
  genesysDomain: 'mypurecloud.de',
  secret: 'switchboard/genesys',
  topics: ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations'],
} as const satisfies SwitchboardProps;

/** The context of `cdk.json`, which contains the feature flags of the app. */
const { context } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

/** Disables bundling, because few tests read the bundles. */
const WITHOUT_BUNDLES = { 'aws:cdk:bundling-stacks': [] };

/** Features of the CDK CLI that a test app uses. */
export interface AppFeatures {
  /** Real bundles instead of empty ones. */
  bundles?: boolean;
  /** Template validation by the CDK, which takes a second to load. */
  checks?: boolean;
  context?: Record<string, unknown>;
}

/** Creates an app with a temporary output directory. */
export function testApp({
  bundles = false,
  checks = false,
  context: more = {},
}: AppFeatures = {}): App & Disposable {
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

/** Creates a stack with a Switchboard. `props` can create constructs in the stack. */
export function deployment(
  props: (stack: Stack) => Partial<SwitchboardProps> = () => ({}),
  features: AppFeatures = {},
): Deployment {
  const app = testApp(features);
  const stack = new Stack(app, 'Test');
  const switchboard = new Switchboard(stack, 'Switchboard', { ...REQUIRED, ...props(stack) });
  return { app, stack, switchboard, [Symbol.dispose]: () => app[Symbol.dispose]() };
}

/** Synthesizes the template of a deployment and deletes its files. */
export function templateOf(
  props?: (stack: Stack) => Partial<SwitchboardProps>,
  features?: AppFeatures,
): Template {
  using made = deployment(props, features);
  return Template.fromStack(made.stack);
}

/** The problems of a configuration; none if it is valid. */
export function problemsOf(props: Partial<SwitchboardProps>): readonly string[] {
  using app = testApp();
  try {
    new Switchboard(new Stack(app, 'Test'), 'Switchboard', { ...REQUIRED, ...props });
  } catch (error) {
    if (error instanceof SwitchboardConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

/** Simplifies a CloudFormation value: references become `<LogicalId>` or `<LogicalId.Attribute>`. */
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

/** Removes the hash that the CDK appends to a logical id. */
export function unhashed(text: string): string {
  return text.replace(/(?<=[A-Za-z])[0-9A-F]{8}(?=[>.]|$)/g, '');
}
