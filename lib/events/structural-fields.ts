import { isExactNumber } from './exact-json.ts';

/**
 * The preset `structural`: the names of the members that it keeps at every level. Everything else is dropped, so a
 * field that Genesys Cloud adds later is not passed on before it has been reviewed. A value whose form does not match
 * its name is also dropped. Names are from the models of the platform SDK 262 and the protocols' messages.
 */

/** Objects, and arrays of objects, whose members are processed. */
const CONTAINERS = `
  eventBody metadata data event events detail entities results routing status

  participants calls callbacks chats cobrowsesessions emails messages internalMessages screenshares socialExpressions
  videos wrapup afterCallWork errorInfo disconnectReasons communications divisions division recentTransfers
  conversationRoutingData queue language skills queueMediaSettings sessions segments flow flowMilestones

  routingStatus presence presenceDefinition futurePresenceDefinition outOfOffice call callback email message chat
  socialExpression video contactCenter enterprise user

  group metrics stats transcripts alternatives
`;

/** Ids of objects: letters, digits, - and _. */
const IDS = `
  id CorrelationId conversationId participantId sessionId communicationId peerId userId queueId groupId teamId divisionId
  organizationId locationId stationId managerId skillId languageId wrapupCodeId presenceId externalContactId
  externalOrganizationId conversationExternalContactIds conversationExternalOrganizationIds monitoredParticipantId
  coachedParticipantId bargedParticipantId answeredUserId activeQueueIds requestedRoutingSkillIds
  requestedSkillExpressionIds requestedRoutingUserIds requestedSkillIds requestedLanguageId flowId flowOutcomeId flowMilestoneId
  outboundCampaignId outboundContactId outboundContactListId scriptId utilizationLabelId recordId recordingId
  utteranceId engineId agentAssistantId speechTextAnalyticsProgramId interactionId memberId resourceId evaluationId
  consumer_group eventBridgeEventId
`;

/** Times: epoch milliseconds, ISO 8601, or an ISO 8601 interval. */
const TIMES = `
  eventTime timestamp eventTimestamp modifiedDate startTime endTime connectedTime disconnectedTime startHoldTime
  startAcwTime endAcwTime bargedTime callbackScheduledTime currentStateStart sessionStart sessionStartTimeMs
  transcriptionStartTimeMs dateActiveQueuesChanged startDate endDate emitDate metricDate interval flowOutcomeStartTime
  flowOutcomeEndTime conversationStart conversationEnd segmentStart segmentEnd startAlertingTime receivedAt
`;

/** Words of a fixed vocabulary: states, types, versions. Letters, digits and _ - . : without spaces. */
const WORDS = `
  topicName eventType event type messageType mediaType mediaTypes purpose role state initialState status systemPresence
  source currentState direction originatingDirection recordingState recordersState screenRecordingState flaggedReason
  disconnectType acdOutcome usedRouting requestedRoutings requestedRouting flowType flowVersion exitReason transferType
  flowOutcomeValue wrapupPrompt segmentType transferSource disposition bodyType metric qualifier memberBy channel
  engineProvider engineName dialect version code wrapupCode wrapUpCode
`;

/** Numbers and booleans. */
const FIGURES = `
  sequence sequenceId sequence_number maxParticipants wrapupTimeoutMs alertingTimeoutMs durationSeconds wrapupDurationMs
  interactingDurationMs heldDurationMs alertingDurationMs contactingDurationMs dialingDurationMs callbackDurationMs
  connectedDurationMs voicemailDurationMs routingPriority priority offsetMs durationMs confidence value count max min sum
  ratio numerator denominator target calculatedMetricValue active acw ringNumber memberCount step
  wrapupRequired wrapupExpected afterCallWorkRequired provisional primary indefinite joined securePause muted confined
  held recording consult skillExpressionApplied isFinal agentAssistEnabled voiceTranscriptionEnabled conference
`;

const ID = /^[\w-]{1,128}$/;
const WORD = /^[\w.:-]{1,64}$/;
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T[\d:.]{1,24}(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** The form of the values with a name. */
type Form = (value: unknown) => boolean;

const FORMS: ReadonlyMap<string, Form> = new Map([
  ...formsOf(IDS, (value) => typeof value === 'string' && ID.test(value)),
  ...formsOf(TIMES, isTime),
  ...formsOf(WORDS, (value) => typeof value === 'string' && WORD.test(value)),
  ...formsOf(FIGURES, isFigure),
]);
const CONTAINER_NAMES: ReadonlySet<string> = new Set(namesIn(CONTAINERS));

/** Whether `structural` processes the members of an object with this name. */
export function isStructuralContainer(name: string): boolean {
  return CONTAINER_NAMES.has(name);
}

/** Whether `structural` keeps arrays of simple values with this name. */
export function isStructuralName(name: string): boolean {
  return FORMS.has(name);
}

/** Whether `structural` keeps a string, number, boolean or null. */
export function isStructuralValue(name: string, value: unknown): boolean {
  const form = FORMS.get(name);
  return form !== undefined && (value === null || form(value));
}

function isTime(value: unknown): boolean {
  if (typeof value === 'number') return true;
  return typeof value === 'string' && value.split('/').every((part) => ISO_TIME.test(part));
}

function isFigure(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || isExactNumber(value);
}

function formsOf(names: string, form: Form): [string, Form][] {
  return namesIn(names).map((name) => [name, form]);
}

function namesIn(text: string): string[] {
  return text.trim().split(/\s+/);
}
