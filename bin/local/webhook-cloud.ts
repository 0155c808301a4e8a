import { DEFAULT_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { WebhookSender } from 'switchboard-local/simulator/webhook-sender.ts';
import type { Cloud, CloudOptions } from './cloud.ts';
import { WEBHOOK_FAULT_RATE } from './fault-options.ts';

/** Where streams are registered. */
const STREAMS_PATH = '/api/v2/eventbridge';

/** A simulated Genesys Cloud that sends its events to webhooks. */
export function createWebhookCloud(options: CloudOptions): Cloud {
  const { seed, users, queues, rate, events, tokens, faults, ledger } = options;
  const simulator = new Simulator({ seed, users, queues, ledger, tokens });
  const sender = new WebhookSender({
    ledger,
    streams: simulator.streams,
    seed,
    rates: Object.fromEntries(faults.webhook.map((kind) => [kind, WEBHOOK_FAULT_RATE])),
  });
  const topics = options.topics ?? DEFAULT_TOPICS;
  const runner = new GeneratorRunner({
    source: new Generator(simulator, { seed, topics }),
    target: sender,
    ratePerSecond: rate,
    ...(events === undefined ? {} : { count: events }),
  });
  return {
    part: {
      path: STREAMS_PATH,
      answer: (request, response) => simulator.answer(request, response),
      upgrade: (_request, raw) => void raw.destroy(),
      end: async () => {
        sender.close();
        await simulator.end();
      },
    },
    faults: sender,
    environment: {},
    play: async () => {
      runner.start();
      await runner.done;
      await sender.idle();
      return undefined;
    },
    stopPlaying: () => runner.stop(),
  };
}
