import { NativeIntegration } from 'switchboard-local/simulator/native-integration.ts';
import { PRESENCE_TOPIC, ROUTING_STATUS_TOPIC } from 'switchboard-local/simulator/shapes/user-events.ts';
import { type Cloud, type CloudOptions, createChannelCloud } from './cloud.ts';
import { NATIVE_FAULT_RATES } from './fault-options.ts';

/** Topics whose events have key fields. The events of all other topics come from the sockets only. */
const NATIVE_TOPICS = [PRESENCE_TOPIC, ROUTING_STATUS_TOPIC];

/** A simulated Genesys Cloud that sends events on sockets and through its EventBridge integration at once. */
export function createNativeCloud(options: CloudOptions): Cloud {
  const integration = new NativeIntegration({
    ledger: options.ledger,
    seed: options.seed,
    topics: NATIVE_TOPICS,
    rates: Object.fromEntries(options.faults.native.map((kind) => [kind, NATIVE_FAULT_RATES[kind]])),
  });
  const cloud = createChannelCloud(options, integration);
  const { part } = cloud;
  return {
    ...cloud,
    part: {
      path: part.path,
      answer: (request, response) => part.answer(request, response),
      upgrade: (request, raw, head) => part.upgrade(request, raw, head),
      end: async () => {
        integration.close();
        await part.end();
      },
    },
    integration,
    environment: { PROTOCOLS: 'notification-channels' },
    faults: {
      get counts() {
        return { ...cloud.faults?.counts, ...integration.counts };
      },
      stop: () => {
        cloud.faults?.stop();
        integration.stop();
      },
    },
    play: async (warn) => {
      const played = await cloud.play(warn);
      await integration.idle();
      return played;
    },
  };
}
