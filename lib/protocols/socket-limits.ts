/** Limits of `SOCKET_MAX_FRAME_BYTES`. The largest frame bounds the memory of one socket. */
export const FRAME_BYTES = { fallback: 16 * 1_048_576, min: 1_024, max: 64 * 1_048_576 } as const;
