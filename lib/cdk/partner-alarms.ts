import type { AlarmDefinition } from './alarm-definition.ts';

/** Alarms of the native integration. */
export const PARTNER_ALARMS = {
  PartnerEventsLost: {
    severity: 'critical',
    threshold: 0,
    unit: 'events in five minutes',
    text: 'EventBridge could send events of the native integration neither to the events queue nor to the dead-letter queue. They are lost. Check the policies of both queues and of the KMS key, and the size of the events.',
  },
  PartnerDeliveryFailures: {
    severity: 'critical',
    threshold: 0,
    unit: 'events in five minutes',
    text: 'EventBridge could not send events of the native integration to the events queue, and moved them to the dead-letter queue. Check the policies of the events queue and of the KMS key, and then redrive the dead-letter queue.',
  },
  PartnerSilence: {
    severity: 'warning',
    condition: 'belowUsual',
    text: 'Genesys Cloud sends far fewer events through the native integration than usual for this time of day. Check in Genesys Cloud whether the integration is active and which topics it sends, and in EventBridge whether the partner event source is active.',
  },
} as const satisfies Record<string, AlarmDefinition>;
