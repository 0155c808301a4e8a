import { DEFAULT_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { WebhookSender } from 'switchboard-local/simulator/webhook-sender.ts';
import type { Cloud } from './cloud.ts';
import { WEBHOOK_FAULT_RATE } from './fault-options.ts';
import type { LocalOptions } from './local-options.ts';

/** Starts a simulated Genesys Cloud that sends its events to webhooks. */
export async function startWebhookCloud(options: LocalOptions): Promise<Cloud> {
  const { seed, users, queues, rate, events, tokenLife, faults } = options;
  const ledger = new Ledger();
  const simulator = new Simulator({ seed, users, queues, ledger, tokenLifeSeconds: tokenLife });
  const sender = new WebhookSender({
    ledger,
    streams: simulator.streams,
    seed,
    rates: Object.fromEntries(faults.webhook.map((kind) => [kind, WEBHOOK_FAULT_RATE])),
  });
  const { url } = await simulator.listen();
  const topics = options.topics ?? DEFAULT_TOPICS;
  const runner = new GeneratorRunner({
    source: new Generator(simulator, { seed, topics }),
    target: sender,
    ratePerSecond: rate,
    ...(events === undefined ? {} : { count: events }),
  });
  return {
    url,
    ledger,
    faults: sender,
    environment: {},
    play: async () => {
      runner.start();
      await runner.done;
      await sender.idle();
      return undefined;
    },
    stopPlaying: () => runner.stop(),
    close: async () => {
      sender.close();
      await simulator.close();
    },
  };
}
