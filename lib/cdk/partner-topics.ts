import { Token } from 'aws-cdk-lib';
import { detailType } from '../events/detail-type.ts';
import { hasKeyRule } from '../events/identity.ts';
import { PARTNER_SOURCE_PREFIX } from '../events/native-event.ts';
import { singleTopics } from '../genesys/combined-topics.ts';
import { isTopic } from '../genesys/configured-topics.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** Names of partner event sources (API reference of CreatePartnerEventSource). */
const SOURCE_NAME = /^aws\.partner\/genesys\.com[\w.-]*(?:\/[\w.-]+)+$/;
const EXAMPLE = `${PARTNER_SOURCE_PREFIX}/cloud/<organization id>/<suffix>`;

/** The event types of topics of the integration, each once. */
export function integrationTypes(topics: readonly string[]): string[] {
  return [...new Set(topics.flatMap(singleTopics))];
}

/** Problems with the integration, and with topics that it and the notification channels both deliver. */
export function partnerProblems(props: SwitchboardProps): string[] {
  const { partnerEventSource: source, partnerTopics, topics } = props;
  if (source === undefined)
    return partnerTopics === undefined
      ? []
      : ['partnerTopics requires partnerEventSource, the name of the event source of the integration'];
  return [
    ...sourceProblems(source),
    ...(partnerTopics?.length === 0
      ? ['partnerTopics is empty; specify the topics that the integration sends, or omit it for all topics']
      : []),
    ...(partnerTopics ?? []).flatMap(topicProblems),
    ...overlapProblems(topics, partnerTopics),
  ];
}

function sourceProblems(source: NonNullable<SwitchboardProps['partnerEventSource']>): string[] {
  if (typeof source !== 'string' || Token.isUnresolved(source) || SOURCE_NAME.test(source)) return [];
  return [
    `partnerEventSource ${source || '(empty)'} is not the name of an event source of Genesys Cloud; it looks like ${EXAMPLE}`,
  ];
}

function topicProblems(topic: string): string[] {
  if (!isTopic(topic)) return [`partnerTopics: ${topic}: not a topic; an example is v2.users.{id}.presence`];
  const type = detailType(topic);
  if (type === topic) return [];
  return [`partnerTopics: ${topic}: the integration sends the events of all ids; use ${type}`];
}

/** Copies of an event without key fields are not recognized, so such topics may have only one source. */
function overlapProblems(topics: readonly string[], partnerTopics: readonly string[] | undefined): string[] {
  const sent = partnerTopics && new Set(integrationTypes(partnerTopics));
  const weak = topics.flatMap((topic) =>
    singleTopics(topic)
      .map(detailType)
      .filter((type) => (sent ? sent.has(type) : true) && !hasKeyRule(type)),
  );
  const reason = 'and copies of its events cannot be recognized';
  return [...new Set(weak)].map((type) =>
    sent
      ? `topics and partnerTopics both contain ${type}, ${reason}; remove it from one of them`
      : `topics contains ${type}, which the integration may send too, ${reason}; specify the topics that the integration sends as partnerTopics, without this one, or remove it from topics`,
  );
}
