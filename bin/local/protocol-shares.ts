import { PROTOCOL_CLOUDS } from './protocol-clouds.ts';
import type { LocalOptions } from './run-options.ts';

/** The choice of every protocol, side by side. */
export const ALL_PROTOCOLS = 'all';

/** Names of the protocols of a run. */
export function protocolsOf({ protocol }: Pick<LocalOptions, 'protocol'>): readonly string[] {
  if (protocol !== ALL_PROTOCOLS) return [protocol];
  return Object.entries(PROTOCOL_CLOUDS).flatMap(([name, { runsAlone }]) => (runsAlone ? [] : [name]));
}

/**
 * The share of a protocol in the events and the rate: equal shares, with the remainder going to the first protocols.
 */
export function shareOf(
  { events, rate }: Pick<LocalOptions, 'events' | 'rate'>,
  index: number,
  protocols: number,
): { rate: number; events?: number } {
  const share = { rate: rate / protocols };
  if (events === undefined) return share;
  return { ...share, events: Math.floor(events / protocols) + (index < events % protocols ? 1 : 0) };
}
