import { type EventPattern, type IEventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { PARTNER_SOURCE_PREFIX } from '../events/native-event.ts';
import { createBus } from './event-bus.ts';
import type { Queues } from './message-queues.ts';
import { integrationTypes } from './partner-topics.ts';
import { allowRules, queueTarget } from './queue-target.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** Maximum length of the event pattern of a rule; an EventBridge quota. */
const MAX_PATTERN_CHARACTERS = 2_048;

/** Properties of {@link PartnerSource}. */
export interface PartnerSourceProps {
  /** Name of the partner event source, or its event bus. */
  readonly source: NonNullable<SwitchboardProps['partnerEventSource']>;

  /**
   * Topics that the integration sends.
   *
   * @default - all topics
   */
  readonly topics?: readonly string[] | undefined;

  /** The events queue is the target. Events that cannot be delivered are sent to the dead-letter queue. */
  readonly queues: Queues;

  /**
   * KMS key of a new event bus.
   *
   * @default - AWS owned keys
   */
  readonly encryptionKey?: IKey | undefined;
}

/** Genesys Cloud's own EventBridge integration as a source: its event bus, and rules that send its events to a queue. */
export class PartnerSource extends Construct {
  /** Event bus of the partner event source. Its name is that of the event source. */
  readonly bus: IEventBus;
  /** The rules. There is one, unless the topics do not fit into its pattern. */
  readonly rules: readonly Rule[];

  constructor(scope: Construct, id: string, props: PartnerSourceProps) {
    super(scope, id);
    const { source, topics, queues, encryptionKey } = props;
    this.bus =
      typeof source === 'string'
        ? createBus(this, { eventSourceName: source, quarantine: queues.quarantine, encryptionKey })
        : (source as IEventBus);
    const patterns = topics ? patternsOf(integrationTypes(topics)) : [pattern()];
    this.rules = patterns.map(
      (eventPattern, index) =>
        new Rule(this, index === 0 ? 'Rule' : `Rule${index + 1}`, {
          description: 'Sends the events of Genesys Cloud to Switchboard',
          eventBus: this.bus,
          eventPattern,
          targets: [queueTarget(queues.events, queues.deadLetter)],
        }),
    );
    for (const queue of [queues.events, queues.deadLetter]) allowRules(queue, this.rules);
  }
}

function pattern(detailType?: readonly string[]): EventPattern {
  const source = Match.prefix(PARTNER_SOURCE_PREFIX);
  return detailType ? { source, detailType: [...detailType] } : { source };
}

/** As few patterns as possible that name all types. */
function patternsOf(types: readonly string[]): EventPattern[] {
  const emptyCharacters = JSON.stringify({
    source: [{ prefix: PARTNER_SOURCE_PREFIX }],
    'detail-type': [],
  }).length;
  const groups: string[][] = [];
  let characters = MAX_PATTERN_CHARACTERS;
  for (const type of types) {
    const more = JSON.stringify(type).length + 1;
    characters += more;
    if (characters <= MAX_PATTERN_CHARACTERS) groups.at(-1)?.push(type);
    else {
      groups.push([type]);
      characters = emptyCharacters + more;
    }
  }
  return groups.map(pattern);
}
