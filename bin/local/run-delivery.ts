import { PollerIdleTimeoutError } from 'switchboard-local/lambda/poller.ts';
import { DeliveryReceiver } from 'switchboard-local/receiver/delivery-receiver.ts';
import { createCertificates } from 'switchboard-local/receiver/receiver-certificates.ts';
import { ReceiverFaults } from 'switchboard-local/receiver/receiver-faults.ts';
import type { DeliveryReport } from '../../functions/delivery/delivery-batch.ts';
import { eventBridgeClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { DeliveryAccount, type DeliveryResult } from './delivery-account.ts';
import { EventLoopDelay } from './event-loop-delay.ts';
import { CONSUMER_CRASH_RATE, RECEIVER_FAULT_RATE, RECEIVER_PREFIX } from './fault-options.ts';
import { createLocalDelivery, type LocalDelivery, newSigningKey } from './local-delivery.ts';
import { LOCAL_AWS, type Pipeline } from './pipeline.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { NAMES } from './resources.ts';
import type { LocalOptions } from './run-options.ts';

/** Durations of the faults of the built-in receiver: longer than the timeout of a call, and short outages. */
const RECEIVER_TIMES = { slowMs: 1_300, burstMs: 500, downMs: 500, retryAfterSeconds: 1 };
/** Time for all events to be delivered, including retries after faults and pauses that the receiver asks for. */
const BUILT_IN_SETTLE_MS = 300_000;
/** The same for a URL, which may not work at all. */
const URL_SETTLE_MS = 30_000;
/** Different reasons of failed calls that are shown. */
const MAX_SHOWN_FAILURES = 20;

/** Where the events of a run are delivered to. */
interface Target {
  readonly url: string;
  /** Certificate authority of the built-in receiver. */
  readonly ca?: string;
  /** The built-in receiver, which checks what it gets. */
  readonly receiver?: { readonly server: DeliveryReceiver; readonly faults: ReceiverFaults };
}

/** The delivery of a run (`--deliver`): to the built-in receiver, or to a URL. */
export interface RunDelivery {
  /** Where events are delivered to. */
  readonly url: string;
  /** With this key the destination can verify the signatures. */
  readonly signingKey: string;
  /** Faults of the built-in receiver that took effect, by name. */
  readonly faults: Readonly<Record<string, number>>;
  /** Events that the destination accepted so far. */
  readonly delivered: number;
  /** Events that are neither delivered nor dead letters. */
  readonly waiting: number;
  /** Waits until every event is delivered or in the dead-letter queue, for a limited time. */
  settle(): Promise<void>;
  /** What became of the events; undefined for a URL, whose arrivals are not known. */
  result(): DeliveryResult | undefined;
  close(): Promise<void>;
}

/** Starts delivering the events of the bus, if the options say so. */
export async function startDelivery(
  options: LocalOptions,
  pipeline: Pipeline,
  display: ProgressDisplay,
): Promise<RunDelivery | undefined> {
  const { deliver, deliverRate: ratePerSecond, deliverOrdered: ordered = false } = options;
  const { seed, faults, logLevel } = options;
  if (deliver === undefined) return undefined;
  const signingKey = newSigningKey();
  const { url, ca, receiver }: Target =
    deliver === true ? await startReceiver(options, signingKey) : { url: deliver };
  const eventLoop = new EventLoopDelay();
  const account = new DeliveryAccount({ ratePerSecond, ordered });
  const { emulator, emulatorUrl: endpoint } = pipeline;
  emulator.eventbridge.onEvent(({ busName, event }) => {
    if (busName === NAMES.bus && receiver) account.published(event.detail);
  });
  const edge = { ...LOCAL_AWS, endpoint };
  const showFailure = receiver ? () => undefined : showFailures(display);
  let delivered = 0;
  const functions = await createLocalDelivery({
    emulator,
    edge,
    clients: { sqs: sqsClient(edge), eventbridge: eventBridgeClient(edge) },
    quarantineQueueUrl: emulator.sqs.queueUrl(NAMES.quarantineQueue),
    url,
    isBuiltIn: receiver !== undefined,
    ca,
    signingKey,
    ratePerSecond,
    ordered,
    logLevel,
    seed,
    crashRate: faults.consumerCrash ? CONSUMER_CRASH_RATE : 0,
    onInvocation: (invocation) => account.onInvocation(invocation),
    onOrderInvocation: (invocation) => account.onOrderInvocation(invocation),
    onBatch: (report) => {
      delivered += [...report.ends.values()].filter((end) => end === 'delivered').length;
      showFailure(report);
    },
  });
  functions.start();
  return {
    url,
    signingKey,
    get faults() {
      return receiver ? faultCounts(receiver.faults) : {};
    },
    get delivered() {
      return delivered;
    },
    get waiting() {
      return functions.waiting;
    },
    settle: async () => {
      if (receiver) return await settle(functions, BUILT_IN_SETTLE_MS, display);
      const { waiting } = functions;
      if (waiting > 0)
        display.warn(`Waiting up to ${URL_SETTLE_MS / 1000} s for ${waiting} events to be delivered.`);
      await settle(functions, URL_SETTLE_MS, display);
      display.line(
        `\nDelivered: ${delivered} events. Not delivered: ${functions.waiting}. In the dead-letter queue: ${functions.deadLetters}.`,
      );
    },
    result: () => receiver && account.judge(receiver.server, emulator, eventLoop.maxMs),
    close: async () => {
      eventLoop.stop();
      await functions.stop();
      await receiver?.server.close();
    },
  };
}

async function startReceiver({ faults, seed }: LocalOptions, secret: string): Promise<Target> {
  const injected = new ReceiverFaults({ seed, kinds: faults.receiver, rate: RECEIVER_FAULT_RATE });
  const certificates = await createCertificates();
  const server = new DeliveryReceiver({ secret, certificates, faults: injected, ...RECEIVER_TIMES });
  const { url } = await server.listen();
  return { url, ca: certificates.trusted.cert, receiver: { server, faults: injected } };
}

function faultCounts({ counts }: ReceiverFaults): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([kind, count]) => [`${RECEIVER_PREFIX}${kind}`, count]),
  );
}

/** Shows each reason of failed calls once. */
function showFailures(display: ProgressDisplay): (report: DeliveryReport) => void {
  const shown = new Set<string>();
  return ({ lastFailure }) => {
    if (lastFailure === undefined || shown.has(lastFailure) || shown.size >= MAX_SHOWN_FAILURES) return;
    shown.add(lastFailure);
    display.warn(`A call failed and is retried later: ${lastFailure}`);
  };
}

async function settle(functions: LocalDelivery, timeoutMs: number, display: ProgressDisplay): Promise<void> {
  try {
    await functions.idle(timeoutMs);
  } catch (error) {
    if (!(error instanceof PollerIdleTimeoutError)) throw error;
    display.warn(
      `The deliveries did not end within ${timeoutMs / 1000} s. ${functions.waiting} events were not delivered.`,
    );
  }
}
