import { type FaultChoice, INGESTER_KILL } from './fault-options.ts';
import { PROTOCOL_CLOUDS } from './protocol-clouds.ts';

/** Problems with the faults that were chosen by name. `all` stands for the faults that each protocol has. */
export function faultConflicts({ named }: FaultChoice, protocols: readonly string[]): string[] {
  const impossible = named.filter((fault) => protocols.every((protocol) => isMissing(fault, protocol)));
  if (impossible.length === 0) return [];
  const [protocol, ...others] = protocols;
  const who =
    others.length > 0 ? 'no protocol has such faults' : `the protocol ${protocol} has no such faults`;
  return [`--faults ${impossible.join(',')}: ${who}`];
}

/** Messages about faults that were chosen by name but that some of the protocols do not have. */
export function faultWarnings({ named }: FaultChoice, protocols: readonly string[]): string[] {
  return named.flatMap((fault) => {
    const without = protocols.filter((protocol) => isMissing(fault, protocol));
    return without.length === 0 || without.length === protocols.length
      ? []
      : [`The fault ${fault} is not injected into ${without.join(', ')}: these protocols do not have it.`];
  });
}

/** Whether a fault is one of a cloud, and this protocol does not have it. */
function isMissing(fault: string, protocol: string): boolean {
  const { faults = [], receiver } = PROTOCOL_CLOUDS[protocol] ?? {};
  if (fault === INGESTER_KILL) return receiver !== 'ingester';
  const isOfClouds = Object.values(PROTOCOL_CLOUDS).some((one) => one.faults.includes(fault));
  return isOfClouds && !faults.includes(fault);
}
