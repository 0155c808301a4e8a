/** Faults that every stream has. Those of the handshake wait for the next one of a client. */
export const COMMON_STREAM_FAULTS = [
  'socket_drop',
  'half_open',
  'close_during_batch',
  'token_expired',
  'duplicate_frame',
  'fragmented_frame',
  'garbage_frame',
  'auth_refused',
  'upgrade_refused',
  'throttled_with_wait',
  'throttled_without_wait',
] as const;

/** Faults of streams with sequence numbers. */
export const SEQUENCE_FAULTS = [
  'reordered_frames',
  'sequence_gap',
  'sequence_repeat',
  'sequence_restart',
] as const;

/** Faults that wait for the next handshake of a client. */
export const HANDSHAKE_FAULTS = [
  'auth_refused',
  'scope_missing',
  'quota_reached',
  'filter_refused',
  'upgrade_refused',
  'throttled_with_wait',
  'throttled_without_wait',
  'resume_refused',
] as const;
/** A fault that waits for the next handshake of a client. */
export type HandshakeFault = (typeof HANDSHAKE_FAULTS)[number];

/** Faults that strike the server, and with it all of its connections. */
export const SERVER_FAULTS = ['sequence_repeat', 'sequence_restart', 'resource_gone'] as const;
/** A fault that strikes the server. */
export type ServerFault = (typeof SERVER_FAULTS)[number];

/** Faults of streams other than notification channels. Each server says which of them it has. */
export const STREAM_FAULT_KINDS = [
  ...new Set([
    ...COMMON_STREAM_FAULTS,
    ...SEQUENCE_FAULTS,
    ...HANDSHAKE_FAULTS,
    ...SERVER_FAULTS,
    'pongs_withheld' as const,
  ]),
];
/** A fault of streams other than notification channels. */
export type StreamFaultKind = (typeof STREAM_FAULT_KINDS)[number];

/** Whether a fault waits for the next handshake. */
export function isHandshakeFault(kind: StreamFaultKind): kind is HandshakeFault {
  return HANDSHAKE_FAULTS.some((one) => one === kind);
}

/** Whether a fault strikes the server. */
export function isServerFault(kind: StreamFaultKind): kind is ServerFault {
  return SERVER_FAULTS.some((one) => one === kind);
}
