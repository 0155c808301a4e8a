/**
 * Reads the value of a `Retry-After` header, which contains seconds or an HTTP date (RFC 9110, section 10.2.3).
 *
 * @returns milliseconds from now; undefined if the header is missing or invalid
 */
export function retryAfterMs(value: string | null | undefined): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
