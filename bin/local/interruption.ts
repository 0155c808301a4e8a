const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Exit code of a process that SIGINT ended. */
export const INTERRUPTED = 130;

/** The first signal ends a run gracefully. */
export interface Interruption {
  readonly signaled: Promise<void>;
}

/**
 * Waits for SIGINT or SIGTERM. A second signal ends the process at once.
 *
 * @param onFirst - called on the first signal
 */
export function onInterruption(onFirst: () => void): Interruption {
  return {
    signaled: new Promise((resolve) => {
      let count = 0;
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          if (++count > 1) process.exit(INTERRUPTED);
          onFirst();
          resolve();
        });
      }
    }),
  };
}
