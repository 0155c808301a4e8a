import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { STREAM_STATE_TOPIC } from 'switchboard-local/simulator/recovery/platform-memory.ts';
import { RecoveryJudge } from 'switchboard-local/simulator/recovery/recovery-judge.ts';
import { StreamCloud } from 'switchboard-local/simulator/streams/stream-cloud.ts';
import type { StreamServer } from 'switchboard-local/simulator/streams/stream-server.ts';
import type { Cloud, CloudOptions } from './cloud.ts';

/** The heartbeat of a stream, shortened. */
const HEARTBEAT_MS = 250;
/** Mean interval between two faults. A stream has one connection, which needs time to recover. */
const STREAM_FAULT_INTERVAL_MS = 700;

/** The simulated cloud of a stream protocol. */
export function createStreamCloud(
  options: CloudOptions,
  server: StreamServer,
  environment: Readonly<Record<string, string>>,
): Cloud {
  const { seed, rate, events, ledger, tokens } = options;
  const history = server.remembered && options.history;
  const recovery = history && new RecoveryJudge((topicName) => topicName === STREAM_STATE_TOPIC);
  const cloud = new StreamCloud({
    server,
    tokens,
    ledger,
    seed,
    heartbeatMs: HEARTBEAT_MS,
    faults: options.faults.stream,
    faultIntervalMs: STREAM_FAULT_INTERVAL_MS,
    history,
    recoveryJudge: recovery,
  });
  const runner = new GeneratorRunner({
    source: server,
    target: cloud,
    ratePerSecond: rate,
    ...(events === undefined ? {} : { count: events }),
  });
  return {
    part: cloud,
    recovery,
    faults: cloud.faults,
    environment,
    play: async () => {
      await runner.start().done;
      await cloud.finish();
      return undefined;
    },
    stopPlaying: () => runner.stop(),
  };
}
