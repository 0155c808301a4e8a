/** Faults of the sender of webhook deliveries, and of an attacker who impersonates it. */
export const WEBHOOK_FAULTS = {
  webhook_repeat: 'A delivery is sent again although it was accepted.',
  webhook_hang_up: 'The sender ends the connection before the response, and sends the delivery again.',
  webhook_forged: 'An attacker sends an event that is signed with another secret.',
  webhook_altered: 'A body is altered by one byte after it was signed.',
  webhook_wrong_length: 'A signature is too short or too long.',
} as const;

export type WebhookFaultKind = keyof typeof WEBHOOK_FAULTS;

/** Names of all faults of webhook deliveries. */
export const WEBHOOK_FAULT_KINDS = Object.keys(WEBHOOK_FAULTS) as WebhookFaultKind[];
