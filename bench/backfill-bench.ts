import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { createResources, NAMES } from '../bin/local/resources.ts';
import { CLIENT } from '../bin/local/simulated-platform.ts';
import { Backfill } from '../functions/backfill/backfill.ts';
import { DEFAULT_REQUESTS_PER_MINUTE } from '../functions/backfill/backfill-config.ts';
import { BackfillMarks } from '../functions/backfill/backfill-marks.ts';
import { FILL_TIMES, newFill } from '../functions/backfill/fill.ts';
import { FillStore } from '../functions/backfill/fill-store.ts';
import { dynamoDbClient, eventBridgeClient, sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { PacedRequests } from '../lib/genesys/paced-requests.ts';
import { RestClient } from '../lib/genesys/rest-client.ts';
import { TokenSource } from '../lib/genesys/token-source.ts';
import { type Figure, figure } from './measure.ts';

const OUTAGE_MS = 3_600_000;
const EVENTS_PER_SECOND = 50;
const SEED = 1;
/** Fast enough that the bench does not wait. The result says how long it takes at the real pace. */
const REQUESTS_PER_MINUTE = 6_000_000;
const TOPICS = [
  'v2.users.{id}.presence',
  'v2.users.{id}.routingStatus',
  'v2.users.{id}.conversations',
  'v2.routing.queues.{id}.conversations',
  ...['customer', 'acd', 'flow', 'user'].flatMap((of) =>
    ['start', 'end'].map((edge) => `v2.detail.events.conversation.{id}.${of}.${edge}`),
  ),
  'v2.detail.events.conversation.{id}.acw',
  'v2.detail.events.conversation.{id}.wrapup',
];
const REGION = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

/** The figures of a backfill of an hour. There is nothing to compare them with. */
export async function backfillFigures(): Promise<Figure[]> {
  const { requestsPerThousandRecovered, requests, minutesAtDefaultPace, peakHeapMib, isInOrder } =
    await benchBackfill();
  if (!isInOrder) throw new Error('The recovered events were not sent in order of time.');
  const alone = (name: string, unit: string, value: number) =>
    figure(`backfill of an hour, ${name}`, unit, value, null, null);
  return [
    alone('cost', 'requests per 1,000 recovered events', requestsPerThousandRecovered),
    alone('requests', 'requests in all rounds', requests),
    alone('time', `minutes at ${DEFAULT_REQUESTS_PER_MINUTE} requests per minute`, minutesAtDefaultPace),
    alone('memory', 'MiB of heap, with the simulated Genesys Cloud', peakHeapMib),
  ];
}

/** Result of {@link benchBackfill}. */
interface BackfillBench {
  /** Events that the cloud emitted in the outage. */
  readonly emitted: number;
  readonly recovered: number;
  /** Requests of all rounds. */
  readonly requests: number;
  readonly requestsPerThousandRecovered: number;
  /** How long these requests take at the default pace. */
  readonly minutesAtDefaultPace: number;
  /** Growth of the heap while the gap was filled, in MiB, at its highest. */
  readonly peakHeapMib: number;
  /** Whether the events of the first round were sent in order of time. */
  readonly isInOrder: boolean;
}

/** Fills an outage of an hour at 50 events per second, in compressed time. */
async function benchBackfill(): Promise<BackfillBench> {
  const simulator = new Simulator({
    seed: SEED,
    users: 200,
    queues: 20,
    historyDelayMs: 0,
    requestsPerMinute: 10_000_000,
  });
  const { url } = await simulator.listen();
  // Long ago, so that every round is due.
  const toMs = Date.now() - OUTAGE_MS;
  const fromMs = toMs - OUTAGE_MS;
  const emitted = emit(simulator, fromMs, toMs);
  const emulator = new Emulator();
  const edge = { ...REGION, requestHandler: emulator.requestHandler() };
  const dynamodb = dynamoDbClient(edge);
  await createResources({ sqs: sqsClient(edge), dynamodb, eventbridge: eventBridgeClient(edge) });
  const pace = new PacedRequests(REQUESTS_PER_MINUTE);
  const times: string[] = [];
  const store = new FillStore(dynamodb, NAMES.stateTable, 'default');
  const before = process.memoryUsage().heapUsed;
  let peak = before;
  const backfill = new Backfill({
    store,
    marks: new BackfillMarks(dynamodb, NAMES.stateTable, 'default'),
    rest: new RestClient({
      apiUrl: url,
      tokens: new TokenSource({ loginUrl: url, credentials: async () => CLIENT }),
      rateLimit: pace,
    }),
    sender: {
      send: async (items) => {
        peak = Math.max(peak, process.memoryUsage().heapUsed);
        for (const { json } of items) times.push(/"timestamp":"([^"]+)"/.exec(json)?.[1] ?? '');
      },
    },
    // No event of the outage is that large.
    objects: { bucket: NAMES.oversizeBucket, putJson: () => Promise.reject(new Error('A large event.')) },
    times: FILL_TIMES,
    log: createLogger('backfill', 'ERROR'),
  });
  const gapId = 'bench';
  await store.add(newFill({ gapId, fromMs, toMs, reason: 'bench', topics: { list: TOPICS } }, FILL_TIMES));
  const { recovered } = await backfill.run();
  await simulator.close();
  const live = times.filter((time) => time < new Date(toMs).toISOString());
  return {
    emitted,
    recovered,
    requests: pace.count,
    requestsPerThousandRecovered: Math.round((10 * 1_000 * pace.count) / recovered) / 10,
    minutesAtDefaultPace: Math.round((10 * pace.count) / DEFAULT_REQUESTS_PER_MINUTE) / 10,
    peakHeapMib: Math.round((peak - before) / 2 ** 20),
    isInOrder: live.every((time, index) => index === 0 || time >= (live[index - 1] ?? '')),
  };
}

/** @returns the number of events on the topics */
function emit(simulator: Simulator, fromMs: number, toMs: number): number {
  let nowMs = fromMs;
  const generator = new Generator(simulator, { seed: SEED, topics: GENERATED_TOPICS, now: () => nowMs });
  let count = 0;
  for (; nowMs < toMs; nowMs += 1_000 / EVENTS_PER_SECOND) {
    simulator.history.record(generator.next(), nowMs);
    count++;
  }
  return count;
}
