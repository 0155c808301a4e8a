/**
 * `setTimeout` of `node:timers/promises` on the global timers. Fake timers do not replace that module, so tests mock it:
 * `vi.mock('node:timers/promises', () => import('./timers-promises.ts'))`.
 */
export function setTimeout<T>(
  delayMs: number,
  value?: T,
  options: { signal?: AbortSignal } = {},
): Promise<T> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const abort = () => {
      globalThis.clearTimeout(timer);
      reject(new DOMException('The operation was aborted', 'AbortError'));
    };
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value as T);
    }, delayMs);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
