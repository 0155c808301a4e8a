/** Faults that wait for the next handshake of a client. */
export const HANDSHAKE_FAULTS = [
  'auth_refused',
  'scope_missing',
  'quota_reached',
  'filter_refused',
  'upgrade_refused',
] as const;
/** A fault that waits for the next handshake of a client. */
export type HandshakeFault = (typeof HANDSHAKE_FAULTS)[number];

/** Faults of streams other than notification channels. */
export const STREAM_FAULT_KINDS = [
  'socket_drop',
  'half_open',
  'close_during_batch',
  'token_expired',
  'duplicate_frame',
  'garbage_frame',
  'reordered_frames',
  'sequence_gap',
  'sequence_restart',
  ...HANDSHAKE_FAULTS,
] as const;
/** A fault of streams other than notification channels. */
export type StreamFaultKind = (typeof STREAM_FAULT_KINDS)[number];

/** Whether a fault waits for the next handshake. */
export function isHandshakeFault(kind: StreamFaultKind): kind is HandshakeFault {
  return HANDSHAKE_FAULTS.some((one) => one === kind);
}
