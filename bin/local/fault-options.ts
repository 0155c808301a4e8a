import { FAULT_KINDS } from 'switchboard-local/emulator/emulator-fault-kinds.ts';
import type { AwsFaultKind } from 'switchboard-local/emulator/emulator-faults.ts';
import { RECEIVER_FAULT_KINDS, type ReceiverFaultKind } from 'switchboard-local/receiver/receiver-faults.ts';
import { CLOUD_FAULT_KINDS, type CloudFaultKind } from 'switchboard-local/simulator/cloud-fault-kinds.ts';
import { NATIVE_FAULT_KINDS, type NativeFaultKind } from 'switchboard-local/simulator/native-fault-kinds.ts';
import {
  STREAM_FAULT_KINDS,
  type StreamFaultKind,
} from 'switchboard-local/simulator/streams/stream-fault-kinds.ts';
import {
  WEBHOOK_FAULT_KINDS,
  type WebhookFaultKind,
} from 'switchboard-local/simulator/webhook-fault-kinds.ts';

/** Kills the consumer before one of its AWS calls, or before it reports its result. */
const CONSUMER_CRASH = 'consumer_crash';
/** Runs the ingester as a separate process, and kills it with SIGKILL at seeded times. */
export const INGESTER_KILL = 'ingester_kill';

/** The faults to inject: into the local AWS, the simulated Genesys Cloud, the consumer and the ingester. */
export interface FaultChoice {
  /** Faults that were chosen by name, not by `all`. */
  readonly named: readonly string[];
  readonly aws: readonly AwsFaultKind[];
  /** Into a cloud with notification channels. */
  readonly cloud: readonly CloudFaultKind[];
  /** Only with the protocol eventbridge-webhook, whose cloud has no other faults. */
  readonly webhook: readonly WebhookFaultKind[];
  /** Only with the protocol native-integration, in addition to those of `cloud`. */
  readonly native: readonly NativeFaultKind[];
  /** Into a cloud with another stream. */
  readonly stream: readonly StreamFaultKind[];
  /** Into the built-in receiver of `--deliver`. Their names have the prefix `receiver_`. */
  readonly receiver: readonly ReceiverFaultKind[];
  /** Also kills the delivery function. */
  readonly consumerCrash: boolean;
  readonly ingesterKill: boolean;
}

/** Probability of each fault of the local AWS, per call or per delivered message. */
export const AWS_FAULT_RATES: Readonly<Record<AwsFaultKind, number>> = {
  timeout_before_commit: 0.003,
  timeout_after_commit: 0.003,
  throttle: 0.005,
  server_error: 0.005,
  partial_failure: 0.005,
  duplicate_delivery: 0.01,
  duplicate_higher_count: 0.01,
  duplicate_event: 0.01,
  reorder: 0.02,
  early_visibility: 0.01,
  low_receive_count: 0.2,
  stale_read: 0.05,
};
/** Probability that an invocation of the consumer is killed. */
export const CONSUMER_CRASH_RATE = 0.05;
/** Probability of each fault of webhook deliveries, per event. */
export const WEBHOOK_FAULT_RATE = 0.01;
/** Probability of each fault of the native integration, per event. An outage lasts up to half a second. */
export const NATIVE_FAULT_RATES: Readonly<Record<NativeFaultKind, number>> = {
  native_repeat: 0.01,
  native_delay: 0.02,
  native_outage: 0.0005,
};
/** Probability of a fault of the built-in receiver, per call. Some last for a second or two. */
export const RECEIVER_FAULT_RATE = 0.002;
/** Prefix of the names of these faults. */
export const RECEIVER_PREFIX = 'receiver_';
/** Mean interval between two faults of the simulated Genesys Cloud. */
export const CLOUD_FAULT_INTERVAL_MS = 500;

/** Faults that `all` does not include, and why. Each can be chosen by name. */
export const NOT_IN_ALL: Readonly<Record<string, string>> = {
  ingester_kill: 'the ingester runs as a separate process',
  receiver_gone_410: 'nothing is delivered until `switchboard deliveries resume`',
};

/** Selects the faults that each protocol has, and those of the local AWS. */
const ALL = 'all';
/** Names of all faults. */
export const ALL_FAULTS: readonly string[] = [
  ...new Set([
    ...CLOUD_FAULT_KINDS,
    ...STREAM_FAULT_KINDS,
    ...WEBHOOK_FAULT_KINDS,
    ...NATIVE_FAULT_KINDS,
    ...RECEIVER_FAULT_KINDS.map((kind) => `${RECEIVER_PREFIX}${kind}`),
    ...awsKinds(),
    CONSUMER_CRASH,
    INGESTER_KILL,
  ]),
];

function awsKinds(): AwsFaultKind[] {
  return Object.keys(FAULT_KINDS) as AwsFaultKind[];
}

/**
 * Parses `all`, `none` or a comma-separated list of fault names. A list can contain `all`.
 *
 * @throws Error that lists the valid names
 */
export function parseFaults(text: string): FaultChoice {
  const given = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const names = given.flatMap(expandAll);
  const unknown = names.filter((name) => !ALL_FAULTS.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `unknown fault ${unknown.join(', ')}; use all, none, or a list of ${ALL_FAULTS.join(', ')}`,
    );
  }
  return {
    named: given.filter((name) => name !== ALL),
    aws: awsKinds().filter((kind) => names.includes(kind)),
    cloud: CLOUD_FAULT_KINDS.filter((kind) => names.includes(kind)),
    webhook: WEBHOOK_FAULT_KINDS.filter((kind) => names.includes(kind)),
    native: NATIVE_FAULT_KINDS.filter((kind) => names.includes(kind)),
    stream: STREAM_FAULT_KINDS.filter((kind) => names.includes(kind)),
    receiver: RECEIVER_FAULT_KINDS.filter((kind) => names.includes(`${RECEIVER_PREFIX}${kind}`)),
    consumerCrash: names.includes(CONSUMER_CRASH),
    ingesterKill: names.includes(INGESTER_KILL),
  };
}

function expandAll(name: string): readonly string[] {
  return name === ALL ? ALL_FAULTS.filter((fault) => !Object.hasOwn(NOT_IN_ALL, fault)) : [name];
}
