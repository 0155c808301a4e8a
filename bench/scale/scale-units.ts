import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BEAT_INTERVAL_MS,
  READ_INTERVAL_MS,
  SLACK_MS,
  TAKE_OVER_AFTER_MS,
} from '../../functions/ingester/standby/leadership-record.ts';
import { ITEM_OVERHEAD_BYTES, MAX_BYTES } from '../../functions/ingester/standby/recent-items.ts';
import type { Usage } from '../cost/model.ts';

/** The file that `npm run scale -- --measure` writes. */
export const MEASURED_FILE = join(import.meta.dirname, 'measured.json');

/** Billable units of runs at several rates, as `npm run cost` counts them. */
export interface Measured {
  /** Date of the runs. */
  readonly date: string;
  /** By rate, the lowest first. */
  readonly runs: readonly { readonly rate: number; readonly usage: Usage }[];
}

/** Figures of `bench/README.md`, in events per second of a core. */
export const BENCH = {
  /** The ingester, rounded down: 24,260 to 30,170 by protocol. */
  ingesterEventsPerCore: 24_260,
  consumerEventsPerCore: 17_260,
} as const;

/** What was neither measured nor documented for this use. */
export const ESTIMATES = {
  /** Share of a limit up to which it is planned. The rest is for peaks. */
  targetLoad: 0.7,
  /** Targets that the rules of the bus invoke per event. */
  targetsPerEvent: 1,
  /** Time that an invocation of the consumer waits for DynamoDB and EventBridge when they are slow. */
  consumerWaitSeconds: 0.1,
} as const;

/** Share of a core that the ingester and the consumer have. */
export const SIZES = {
  /** `cpu: 256` of the task. */
  ingesterCores: 0.25,
  /** 512 MB; Lambda gives a function one core at 1,769 MB. */
  consumerCores: 512 / 1_769,
} as const;

/** Units per event at a rate. */
export interface Units {
  readonly queueBytes: number;
  readonly messages: number;
  readonly writes: number;
  readonly putEventsCalls: number;
  readonly invocations: number;
}

/** Reads the results of the last measurement. */
export function readMeasured(): Measured {
  return JSON.parse(readFileSync(MEASURED_FILE, 'utf8')) as Measured;
}

/**
 * The usage of one second at a rate: that of the fastest run that was not faster, scaled. Messages are full from about
 * 500 events/s on, so that more events need proportionally more of everything.
 */
export function usageAt(measured: Measured, rate: number): Usage {
  const { usage } = runAt(measured, rate);
  const entries = Object.entries(usage).map(([name, value]) => [name, (value * rate) / usage.events]);
  return { ...Object.fromEntries(entries), seconds: 1 };
}

/** The fastest run that was not faster than a rate, else the slowest. */
function runAt({ runs }: Measured, rate: number): Measured['runs'][number] {
  const run = runs.findLast((one) => one.rate <= rate) ?? runs[0];
  if (!run) throw new Error(`${MEASURED_FILE} has no runs: measure with npm run scale -- --measure`);
  return run;
}

/** Units per event at a rate. */
export function unitsAt(measured: Measured, rate: number): Units {
  const { usage } = runAt(measured, rate);
  const { events, messageBytes, messages, dynamoDbWrites, putEventsCalls, invocations } = usage;
  return {
    queueBytes: messageBytes / events,
    messages: messages / events,
    writes: dynamoDbWrites / events,
    putEventsCalls: putEventsCalls / events,
    invocations: invocations / events,
  };
}

/** Seconds that an invocation of the consumer takes. */
export function invocationSeconds(units: Units): number {
  const eventsPerInvocation = 1 / units.invocations;
  const secondsPerEvent = 1 / (BENCH.consumerEventsPerCore * SIZES.consumerCores);
  return eventsPerInvocation * secondsPerEvent + ESTIMATES.consumerWaitSeconds;
}

/**
 * Events per second of which a standby still has everything that was read since the leader's last beat. The size of an
 * event is that of the fastest run, in which it is largest.
 */
export function standbyEventsPerSecond(measured: Measured): number {
  const units = unitsAt(measured, Number.POSITIVE_INFINITY);
  const seconds = (BEAT_INTERVAL_MS + TAKE_OVER_AFTER_MS + READ_INTERVAL_MS + SLACK_MS) / 1_000;
  return MAX_BYTES / (units.queueBytes + ITEM_OVERHEAD_BYTES) / seconds;
}

/** Events per second that one task can read. */
export const INGESTER_EVENTS_PER_SECOND = BENCH.ingesterEventsPerCore * SIZES.ingesterCores;
