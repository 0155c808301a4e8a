import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { StreamCloud } from 'switchboard-local/simulator/streams/stream-cloud.ts';
import type { StreamServer } from 'switchboard-local/simulator/streams/stream-server.ts';
import type { Cloud } from './cloud.ts';
import type { LocalOptions } from './local-options.ts';

/** The heartbeat of a stream, shortened. */
const HEARTBEAT_MS = 250;
/** Mean interval between two faults. A stream has one connection, which needs time to recover. */
const STREAM_FAULT_INTERVAL_MS = 700;
/** The OAuth client of a local run. */
const CLIENT = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };

/** Starts the simulated cloud of a stream protocol. It sends no events until `play` is called. */
export async function startStreamCloud(
  options: LocalOptions,
  server: StreamServer,
  environment: Readonly<Record<string, string>>,
): Promise<Cloud> {
  const { seed, rate, events } = options;
  const ledger = new Ledger();
  const cloud = new StreamCloud({
    server,
    client: CLIENT,
    ledger,
    seed,
    tokenLifeSeconds: options.tokenLife,
    heartbeatMs: HEARTBEAT_MS,
    faults: options.faults.stream,
    faultIntervalMs: STREAM_FAULT_INTERVAL_MS,
  });
  const url = await cloud.listen();
  const runner = new GeneratorRunner({
    source: server,
    target: cloud,
    ratePerSecond: rate,
    ...(events === undefined ? {} : { count: events }),
  });
  return {
    url,
    ledger,
    faults: cloud.faults,
    environment,
    close: () => cloud.close(),
    play: async () => {
      await runner.start().done;
      await cloud.finish();
      return undefined;
    },
    stopPlaying: () => runner.stop(),
  };
}
