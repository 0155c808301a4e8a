import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { OAuthEndpoint } from 'switchboard-local/simulator/oauth-endpoint.ts';
import { loopbackUrl, PlatformServer } from 'switchboard-local/simulator/platform-server.ts';
import { EventHistory } from 'switchboard-local/simulator/recovery/event-history.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { Tokens } from 'switchboard-local/simulator/tokens.ts';
import { type Cloud, HISTORY_DELAY_MS, REQUESTS_PER_MINUTE } from './cloud.ts';
import { ProtocolAccount } from './protocol-account.ts';
import { PROTOCOL_CLOUDS } from './protocol-clouds.ts';
import { protocolsOf, shareOf } from './protocol-shares.ts';
import type { LocalOptions } from './run-options.ts';
import type { RunProtocol } from './run-protocol.ts';

/** The OAuth client of a local run. */
export const CLIENT = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };

/** A protocol of a run with a simulated cloud. */
export type SimulatedRunProtocol = RunProtocol & { readonly cloud: Cloud };

/** The simulated Genesys Cloud of a run: one host, and one token per OAuth client, for all of its protocols. */
export interface SimulatedPlatform {
  readonly url: string;
  readonly protocols: readonly [SimulatedRunProtocol, ...SimulatedRunProtocol[]];
  close(): Promise<void>;
}

/** Starts the simulated Genesys Cloud. It sends no events until the clouds play. */
export async function startPlatform(options: LocalOptions): Promise<SimulatedPlatform> {
  const tokens = new Tokens(options.tokenLife);
  const names = protocolsOf(options);
  const { seed } = options;
  // Side by side, each protocol has conversations of its own, unlike those of a real platform.
  const history = names.length === 1 ? new EventHistory({ seed, maxDelayMs: HISTORY_DELAY_MS }) : undefined;
  const [first, ...others] = names.map((name, index): SimulatedRunProtocol => {
    // The serial number of an event identifies its cloud.
    const ledger = new Ledger({ number: index });
    const known = PROTOCOL_CLOUDS[name];
    if (known === undefined) throw new Error(`There is no simulated cloud of ${name}.`);
    const share = shareOf(options, index, names.length);
    const cloud = known.create({ ...options, ...share, ledger, tokens, history });
    return {
      name,
      cloud,
      receiver: known.receiver,
      account: new ProtocolAccount(ledger, known.publishedAs ?? [name], cloud.recovery),
    };
  });
  if (first === undefined) throw new Error('A run needs a protocol.');
  const parts = [first, ...others].map(({ cloud }) => cloud.part);
  // The channels have the REST API. A stream that is alone needs one if it is to be asked about the past.
  const hasRestApi = parts.some(({ path }) => path === '/');
  if (history && first.cloud.recovery && !hasRestApi)
    parts.push(new Simulator({ seed, tokens, history, requestsPerMinute: REQUESTS_PER_MINUTE }));
  const server = new PlatformServer([new OAuthEndpoint([CLIENT], tokens), ...parts]);
  return {
    url: loopbackUrl(await server.listen()),
    protocols: [first, ...others],
    close: () => server.close(),
  };
}

/** Variables with which the ingester receives the events of these protocols. */
export function environmentOf(protocols: readonly SimulatedRunProtocol[]): Record<string, string> {
  const streams = protocols.filter(({ receiver }) => receiver === 'ingester');
  return Object.assign(
    { PROTOCOLS: streams.map(({ name }) => name).join(',') },
    ...streams.map(({ cloud }) => cloud.environment),
  );
}
