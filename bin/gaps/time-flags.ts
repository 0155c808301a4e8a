import { InvalidArgumentError } from 'commander';

/** Lengths of the units of a duration. */
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Epoch milliseconds of a time, or of a duration before now.
 *
 * @throws InvalidArgumentError for anything but an ISO 8601 time or a duration
 */
export function pastTimeMs(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Date.now() - Number(count) * (UNIT_MS[unit] ?? 0);
  const atMs = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new InvalidArgumentError(
      'Specify an ISO 8601 time such as 2026-11-20T09:30:00Z, or a duration such as 90m, 24h or 7d.',
    );
  return atMs;
}

/** @throws InvalidArgumentError for anything but an http or https URL */
export function url(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('Specify an http or https URL.');
  return text;
}
