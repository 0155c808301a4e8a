/** The states of a supervisor: what they mean for the health of its subscription set. */
export const SUPERVISOR_STATES = {
  idle: { covered: false, connecting: false, terminal: false },
  connecting: { covered: false, connecting: true, terminal: false },
  live: { covered: true, connecting: false, terminal: false },
  /** A new connection is made while the old one delivers. */
  overlapping: { covered: true, connecting: true, terminal: false },
  stopped: { covered: false, connecting: false, terminal: true },
  failed: { covered: false, connecting: false, terminal: true },
} as const;
/** State of a supervisor. */
export type SupervisorState = keyof typeof SUPERVISOR_STATES;
