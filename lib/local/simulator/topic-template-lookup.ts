import { TOPIC_PERMISSIONS } from './topic-templates.ts';

/** Longest combined topic, in characters. */
export const MAX_COMBINED_TOPIC_CHARS = 200;

const ID = '{id}';
const ID_SEGMENT = /^[A-Za-z0-9_@-]+$/;

interface TemplateNode {
  readonly children: Map<string, TemplateNode>;
  template?: string;
}

const root: TemplateNode = { children: new Map() };
for (const template of Object.keys(TOPIC_PERMISSIONS)) {
  let node = root;
  for (const segment of template.split('.')) {
    const child = node.children.get(segment) ?? { children: new Map() };
    node.children.set(segment, child);
    node = child;
  }
  node.template = template;
}

/**
 * The template of a topic with real ids: `v2.users.6f…e1.presence` gives `v2.users.{id}.presence`. Undefined if the
 * topic is unknown, is itself a template, or has a wildcard, which the notification service does not support.
 */
export function templateOf(topicName: string): string | undefined {
  return walk(root, topicName.split('.'), 0);
}

function walk(node: TemplateNode, segments: readonly string[], at: number): string | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.template;
  const literal = segment === ID ? undefined : node.children.get(segment);
  const found = literal === undefined ? undefined : walk(literal, segments, at + 1);
  if (found !== undefined) return found;
  const any = ID_SEGMENT.test(segment) ? node.children.get(ID) : undefined;
  return any === undefined ? undefined : walk(any, segments, at + 1);
}

/**
 * The topics of a subscription: `v2.users.1?presence&routingStatus` gives `v2.users.1.presence` and
 * `v2.users.1.routingStatus`; a simple topic gives itself.
 */
export function expandTopic(subscription: string): readonly string[] {
  const [base, suffixes] = subscription.split('?', 2);
  if (base === undefined || suffixes === undefined) return [subscription];
  return suffixes.split('&').map((suffix) => `${base}.${suffix}`);
}

/** Whether a subscription exceeds the length limit, which applies to combined topics. */
export function isTooLong(subscription: string): boolean {
  return subscription.includes('?') && subscription.length > MAX_COMBINED_TOPIC_CHARS;
}
