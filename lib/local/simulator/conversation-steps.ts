import type { Random } from '../random.ts';
import type { ConversationLife } from './conversation-life.ts';
import { seededUuid } from './identifiers.ts';
import { PERSONAL_DATA } from './personal-data.ts';
import type { MediaType, Participant } from './shapes/conversation.ts';

/** What can happen to a conversation. */
export type Step =
  | 'arrive'
  | 'menu'
  | 'queue'
  | 'alert'
  | 'answer'
  | 'talk'
  | 'hold'
  | 'resume'
  | 'mute'
  | 'unmute'
  | 'attributes'
  | 'transfer'
  | 'abandon'
  | 'hangup'
  | 'wrapup';

const ABANDON_CHANCE = 0.08;
const TRANSFER_CHANCE = 0.1;
const MAX_TALK_STEPS = 6;
/** Probability that a conversation carries a large attribute, which makes its snapshots as large. */
const LARGE_CHANCE = 1 / 300;
const LARGE_ATTRIBUTE = '{"line":"spoken text of the call so far, kept by a script"},'.repeat(1_700);
/** Probability that an event is followed by another one of the same type in the same millisecond. */
const SAME_MOMENT_CHANCE = 0.3;
const FLOW_ID = '0c7b8b9e-5c0a-4d0e-9a51-6f2f0b5f5c11';
const WRAPUP_CODES = [
  '7fb334b0-0e9e-11e4-9191-0800200c9a66',
  '3c1f4cfc-40a7-4a1a-8f5e-9c1d3a5a6b7c',
] as const;

/** The steps of a conversation, from start to end. */
export function planSteps(random: Random): Step[] {
  const plan: Step[] = ['arrive', 'menu', 'attributes', 'queue'];
  if (random.chance(ABANDON_CHANCE)) return [...plan, 'abandon'];
  plan.push('alert', 'answer', ...talk(random));
  if (random.chance(TRANSFER_CHANCE)) plan.push('transfer', 'queue', 'alert', 'answer', ...talk(random));
  return [...plan, 'hangup', 'wrapup'];
}

function talk(random: Random): Step[] {
  const steps: Step[] = [];
  for (let left = 1 + random.int(MAX_TALK_STEPS); left > 0; left -= 1) {
    const draw = random.next();
    if (draw < 0.2) steps.push('hold', 'resume', 'mute', 'unmute');
    else steps.push(draw < 0.4 ? 'attributes' : 'talk');
  }
  return steps;
}

export function drawMediaType(random: Random): MediaType {
  const draw = random.next();
  if (draw < 0.7) return 'voice';
  if (draw < 0.85) return 'message';
  return draw < 0.95 ? 'chat' : 'email';
}

type Run = (life: ConversationLife, atMs: number) => void;

/** A step that applies only if there is an agent. */
function withAgent(run: (life: ConversationLife, agent: Participant, atMs: number) => void): Run {
  return (life, atMs) => {
    if (life.agent !== undefined) run(life, life.agent, atMs);
  };
}

/** How each step changes the conversation, and the frames it emits. */
export const STEPS: Readonly<Record<Step, Run>> = {
  arrive: (life) => {
    if (life.random.chance(LARGE_CHANCE)) life.customer.attributes.scriptData = LARGE_ATTRIBUTE;
    life.detail('customer.start', life.customer, life.customer.startMs, {
      externalContactId: life.conversation.externalContactId,
      externalOrganizationId: life.conversation.externalOrganizationId,
    });
  },
  menu: (life, atMs) => {
    const ivr = life.join('ivr', 'Main menu', atMs, {});
    const flow = { flowId: FLOW_ID, flowType: 'INBOUNDCALL', flowVersion: '7.0' };
    life.detail('flow.start', ivr, atMs, flow);
    ivr.connectedMs = atMs;
    ivr.endMs = life.now();
    ivr.disconnectType = 'transfer';
    const ended = { connectedDurationMs: ivr.endMs - atMs, exitReason: 'TRANSFER', transferType: 'ACD' };
    life.detail('flow.end', ivr, ivr.endMs, { ...flow, ...ended });
  },
  attributes: (life, atMs) => {
    const name = life.random.pick([PERSONAL_DATA.attributeName, 'language', 'reason', 'verified', 'caseId']);
    life.customer.attributes[name] = `${PERSONAL_DATA.attribute} ${seededUuid(life.random).slice(0, 8)}`;
    life.detail('attributes', life.customer, atMs);
    life.snapshot();
  },
  queue: (life, atMs) => {
    life.queueId = life.anyQueue();
    if (life.queueId === undefined) return;
    const acd = life.join('acd', 'Queue', atMs, { queueId: life.queueId });
    acd.connectedMs = atMs;
    const fields = { routingPriority: 0, requestedRoutingSkillIds: [], skillExpressionApplied: false };
    life.detail('acd.start', acd, atMs, { queueId: life.queueId, ...fields });
    // A flow can transfer to another queue within the same millisecond.
    if (life.random.chance(SAME_MOMENT_CHANCE))
      life.detail('acd.start', acd, atMs, { queueId: seededUuid(life.random), ...fields });
    life.snapshot();
  },
  alert: (life, atMs) => {
    const userId = life.anyUser();
    if (userId === undefined) return;
    const queue = life.queueId === undefined ? {} : { queueId: life.queueId };
    const agent = life.join('agent', `${PERSONAL_DATA.agentName} ${userId.slice(0, 4)}`, atMs, {
      userId,
      ...queue,
    });
    life.agents.push(agent);
    life.detail('user.start', agent, atMs, { userId, ...queue });
    life.snapshot();
  },
  answer: withAgent((life, agent, atMs) => {
    agent.connectedMs = atMs;
    endQueue(life, atMs, 'transfer', 'ANSWERED', agent.userId);
    life.routingStatus(agent, 'INTERACTING');
    life.snapshot();
  }),
  talk: withAgent((life, agent, atMs) => {
    life.transcription(agent, atMs);
    agent.attributes.lastContactAction = String(atMs);
    life.snapshot();
  }),
  hold: withAgent((life, agent, atMs) => {
    agent.heldSinceMs = atMs;
    life.snapshot();
  }),
  resume: withAgent((life, agent, atMs) => {
    delete agent.heldSinceMs;
    life.transcription(agent, atMs);
    life.snapshot();
  }),
  mute: withAgent((life, agent) => {
    agent.muted = true;
    life.snapshot();
  }),
  unmute: withAgent((life, agent) => {
    agent.muted = false;
    life.snapshot();
  }),
  transfer: withAgent((life, agent, atMs) => {
    endAgent(life, agent, atMs, 'transfer');
    life.snapshot();
  }),
  abandon: (life, atMs) => {
    endQueue(life, atMs, 'peer', 'ABANDON', undefined);
    endCustomer(life, life.now());
    life.snapshot();
  },
  hangup: (life, atMs) => {
    endCustomer(life, atMs);
    if (life.agent !== undefined) endAgent(life, life.agent, life.now(), 'peer');
    life.snapshot();
  },
  wrapup: withAgent((life, agent, atMs) => {
    const { userId, queueId, endMs = atMs } = agent;
    const wrapupDurationMs = atMs - endMs;
    const code = life.random.pick(WRAPUP_CODES);
    agent.wrapup = {
      code,
      notes: PERSONAL_DATA.note,
      endMs: atMs,
      durationSeconds: Math.ceil(wrapupDurationMs / 1_000),
    };
    const fields = { queueId, wrapupCode: code, wrapupNotes: PERSONAL_DATA.note, wrapupDurationMs };
    // An agent can select several codes at once.
    if (life.random.chance(SAME_MOMENT_CHANCE)) {
      const other = WRAPUP_CODES.find((candidate) => candidate !== code);
      life.detail('wrapup', agent, atMs, { ...fields, wrapupCode: other });
    }
    life.detail('wrapup', agent, atMs, fields);
    life.metrics(atMs);
    life.detail('acw', agent, atMs, { userId, ...fields });
    life.routingStatus(agent, 'IDLE');
    life.snapshot();
  }),
};

function endQueue(
  life: ConversationLife,
  atMs: number,
  disconnectType: string,
  acdOutcome: string,
  answeredUserId: string | undefined,
): void {
  const acd = life.conversation.participants.findLast(({ purpose }) => purpose === 'acd');
  if (acd === undefined) return;
  acd.endMs = atMs;
  acd.disconnectType = disconnectType;
  life.detail('acd.end', acd, atMs, {
    queueId: acd.queueId,
    disconnectType: disconnectType.toUpperCase(),
    acdOutcome,
    ...(answeredUserId === undefined ? {} : { answeredUserId, usedRouting: 'STANDARD' }),
    requestedRoutings: ['STANDARD'],
    connectedDurationMs: atMs - acd.startMs,
  });
}

function endAgent(life: ConversationLife, agent: Participant, atMs: number, disconnectType: string): void {
  delete agent.heldSinceMs;
  agent.endMs = atMs;
  agent.disconnectType = disconnectType;
  life.detail('user.end', agent, atMs, {
    userId: agent.userId,
    queueId: agent.queueId,
    disconnectType: disconnectType.toUpperCase(),
    interactingDurationMs: atMs - (agent.connectedMs ?? atMs),
    heldDurationMs: 0,
    alertingDurationMs: (agent.connectedMs ?? atMs) - agent.startMs,
  });
  life.routingStatus(agent, disconnectType === 'transfer' ? 'IDLE' : 'INTERACTING');
}

function endCustomer(life: ConversationLife, atMs: number): void {
  const { customer, conversation } = life;
  customer.endMs = atMs;
  customer.disconnectType = 'client';
  life.detail('customer.end', customer, atMs, {
    disconnectType: 'CLIENT',
    interactingDurationMs: atMs - customer.startMs,
    externalContactId: conversation.externalContactId,
    externalOrganizationId: conversation.externalOrganizationId,
  });
}
