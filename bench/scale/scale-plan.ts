import { DEFAULTS, LIMITS } from '../../lib/cdk/configuration.ts';
import { type Bill, bill } from '../cost/model.ts';
import { QUOTAS, type RegionGroup } from './quotas.ts';
import {
  ESTIMATES,
  INGESTER_EVENTS_PER_SECOND,
  invocationSeconds,
  type Measured,
  standbyEventsPerSecond,
  unitsAt,
  usageAt,
} from './scale-units.ts';

/** A second task, so that a failure of one is no gap. */
export const TASKS = 2;
/** Warm throughput is rounded up to a multiple of this. */
const WARM_STEP = 500;

/** How much of a limit a deployment with the default properties uses. */
export interface Load {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
  readonly unit: string;
}

/** What to set for a rate. */
export interface Plan {
  readonly rate: number;
  /** Deployments that divide the topics. */
  readonly shards: number;
  /** Of each deployment. */
  readonly consumerConcurrency: number;
  /** Of each deployment; undefined if a new table takes the writes. */
  readonly claimsWarmWriteUnits: number | undefined;
  /** Used concurrent executions of all deployments at their maximum. */
  readonly lambdaConcurrency: number;
}

/** The loads of one deployment with two tasks and otherwise default properties. */
export function loadsAt(measured: Measured, rate: number, region: RegionGroup): Load[] {
  const units = unitsAt(measured, rate);
  const running = rate * units.invocations * invocationSeconds(units);
  const writes = rate * units.writes;
  return [
    {
      name: 'Ingester: one task of 0.25 vCPU',
      used: rate,
      limit: INGESTER_EVENTS_PER_SECOND,
      unit: 'events/s',
    },
    {
      name: 'Ingester: memory of a standby',
      used: rate,
      limit: standbyEventsPerSecond(measured),
      unit: 'events/s',
    },
    { name: QUOTAS.newTableWrites.name, used: writes, ...limitOf('newTableWrites') },
    { name: QUOTAS.tableWrites.name, used: writes, ...limitOf('tableWrites') },
    {
      name: 'Consumer: `consumerConcurrency` 10',
      used: running,
      limit: DEFAULTS.consumerConcurrency,
      unit: 'executions',
    },
    { name: QUOTAS.lambdaConcurrency.name, used: running, ...limitOf('lambdaConcurrency') },
    {
      name: QUOTAS.messagesInFlight.name,
      used: rate * units.messages * invocationSeconds(units),
      ...limitOf('messagesInFlight'),
    },
    {
      name: 'EventBridge: PutEvents requests',
      used: rate * units.putEventsCalls,
      limit: region.putEvents,
      unit: 'requests/s',
    },
    {
      name: 'EventBridge: invoked targets',
      used: rate * ESTIMATES.targetsPerEvent,
      limit: region.invocations,
      unit: 'invocations/s',
    },
  ];
}

function limitOf(name: keyof typeof QUOTAS): Pick<Load, 'limit' | 'unit'> {
  return { limit: QUOTAS[name].value, unit: QUOTAS[name].unit };
}

/** The load that is closest to its limit, or furthest above it. */
export function firstReached(loads: readonly Load[]): Load {
  return loads.reduce((first, one) => (one.used / one.limit > first.used / first.limit ? one : first));
}

/** What to set, so that no limit of a deployment is used beyond the target. */
export function planFor(measured: Measured, rate: number): Plan {
  const units = unitsAt(measured, rate);
  const perShard = Math.min(
    INGESTER_EVENTS_PER_SECOND,
    standbyEventsPerSecond(measured),
    QUOTAS.tableWrites.value / units.writes,
  );
  const shards = Math.ceil(rate / (perShard * ESTIMATES.targetLoad));
  const shardRate = rate / shards;
  const shardUnits = unitsAt(measured, shardRate);
  const running = shardRate * shardUnits.invocations * invocationSeconds(shardUnits);
  const consumerConcurrency = Math.min(
    LIMITS.consumerConcurrency.max,
    Math.max(DEFAULTS.consumerConcurrency, Math.ceil(running / ESTIMATES.targetLoad)),
  );
  const writes = (shardRate * shardUnits.writes) / ESTIMATES.targetLoad;
  return {
    rate,
    shards,
    consumerConcurrency,
    claimsWarmWriteUnits:
      writes > QUOTAS.newTableWrites.value ? Math.ceil(writes / WARM_STEP) * WARM_STEP : undefined,
    lambdaConcurrency: shards * consumerConcurrency,
  };
}

/** The quotas of EventBridge to request in a Region; undefined where the default is enough. */
export function eventBridgeNeeds(
  measured: Measured,
  rate: number,
  { putEvents, invocations }: RegionGroup,
): { putEvents: number | undefined; invocations: number | undefined } {
  const { putEventsCalls } = unitsAt(measured, rate / planFor(measured, rate).shards);
  const need = (used: number, quota: number) => {
    const planned = Math.ceil(used / ESTIMATES.targetLoad);
    return planned > quota ? planned : undefined;
  };
  return {
    putEvents: need(rate * putEventsCalls, putEvents),
    invocations: need(rate * ESTIMATES.targetsPerEvent, invocations),
  };
}

/** The monthly bill of one deployment of the plan. */
export function billOfShard(measured: Measured, { rate, shards }: Plan): Bill {
  return bill(usageAt(measured, rate / shards), { tasks: TASKS, claimDays: DEFAULTS.dedupWindowDays });
}
