/** Faults of Genesys Cloud's own EventBridge integration, until an event is on the partner bus. */
export const NATIVE_FAULTS = {
  native_repeat: 'An event is sent to the partner bus again, with another EventBridge id.',
  native_delay: 'An event is sent to the partner bus late, after later ones.',
  native_outage: 'For a short time, no events are sent to the partner bus, and they are not sent later.',
} as const;

export type NativeFaultKind = keyof typeof NATIVE_FAULTS;

/** Names of all faults of the integration. */
export const NATIVE_FAULT_KINDS = Object.keys(NATIVE_FAULTS) as NativeFaultKind[];
