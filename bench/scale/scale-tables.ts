import { table } from '../../docs/markdown-table.ts';
import { channelShare, MAX_CLIENTS } from '../../lib/genesys/channel-budget.ts';
import { PRICES } from '../cost/prices.ts';
import { EVENT_BRIDGE_SOURCE, QUOTAS, QUOTAS_READ_ON, type Quota, REGION_GROUPS } from './quotas.ts';
import {
  billOfShard,
  eventBridgeNeeds,
  firstReached,
  type Load,
  loadsAt,
  type Plan,
  planFor,
} from './scale-plan.ts';
import { BENCH, ESTIMATES, type Measured, SIZES, standbyEventsPerSecond, unitsAt } from './scale-units.ts';

/** Events per second of the tables. */
export const RATES = [50, 500, 5_000, 50_000] as const;
/** Tasks of the table of topics. */
const TASK_COUNTS = [1, 2, 3] as const;

/** The generated parts of `docs/scale.md`, by name. @param rates - events per second, one per column */
export function scaleTables(measured: Measured, rates: readonly number[] = RATES): Record<string, string> {
  return {
    limits: limitsTable(measured, rates),
    settings: settingsTable(measured, rates),
    regions: regionsTable(measured, rates),
    topics: topicsTable(),
    cost: costTable(measured, rates),
    units: unitsTable(measured),
    quotas: quotasTable(),
  };
}

function limitsTable(measured: Measured, rates: readonly number[]): string {
  const [region] = REGION_GROUPS;
  const columns = rates.map((rate) => loadsAt(measured, rate, region));
  const first = columns.map(firstReached);
  const rows = (columns[0] ?? []).map(({ name, limit, unit }, index) => [
    name,
    `${count(limit)} ${unit}`,
    ...columns.map((loads, column) => {
      const load = loads[index];
      return load === undefined ? '' : shown(load, load === first[column]);
    }),
  ]);
  return table(['limit', 'value', ...rates.map(perSecond)], rows);
}

/** The share of a limit; bold if it is the first one to be reached. */
function shown({ used, limit }: Load, isFirst: boolean): string {
  const share = percent(used / limit);
  return isFirst ? `**${share}**` : share;
}

function settingsTable(measured: Measured, rates: readonly number[]): string {
  const plans = rates.map((rate) => planFor(measured, rate));
  const row = (name: string, value: (plan: Plan) => string) => [name, ...plans.map(value)];
  const none = '–';
  return table(
    ['', ...rates.map(perSecond)],
    [
      row('deployments (`shard.count`)', ({ shards }) => count(shards)),
      row('events/s of each', ({ rate, shards }) => count(rate / shards)),
      row('`consumerConcurrency` of each', ({ consumerConcurrency }) => count(consumerConcurrency)),
      row('`claimsWarmWriteUnits` of each', ({ claimsWarmWriteUnits }) =>
        claimsWarmWriteUnits === undefined ? none : count(claimsWarmWriteUnits),
      ),
      row('concurrent executions of all consumers', ({ lambdaConcurrency }) => count(lambdaConcurrency)),
      row('room for topics', ({ shards }) =>
        count(shards * MAX_CLIENTS * channelShare(2) * QUOTAS.topicsPerChannel.value),
      ),
    ],
  );
}

function regionsTable(measured: Measured, rates: readonly number[]): string {
  const cell = (need: number | undefined) => (need === undefined ? 'default' : count(need));
  return table(
    ['Regions', 'quota', 'default', ...rates.map(perSecond)],
    REGION_GROUPS.flatMap((group) => {
      const needs = rates.map((rate) => eventBridgeNeeds(measured, rate, group));
      return [
        [
          group.regions.join(', '),
          'PutEvents requests/s',
          count(group.putEvents),
          ...needs.map(({ putEvents }) => cell(putEvents)),
        ],
        ['', 'invocations/s', count(group.invocations), ...needs.map(({ invocations }) => cell(invocations))],
      ];
    }),
  );
}

function topicsTable(): string {
  const perClient = (tasks: number) => channelShare(tasks) * QUOTAS.topicsPerChannel.value;
  return table(
    [
      '`tasks`',
      'channels of an OAuth client per task',
      'topics of an OAuth client',
      `topics of a deployment with ${MAX_CLIENTS} OAuth clients`,
    ],
    TASK_COUNTS.map((tasks) => [
      String(tasks),
      String(channelShare(tasks)),
      count(perClient(tasks)),
      count(perClient(tasks) * MAX_CLIENTS),
    ]),
  );
}

function costTable(measured: Measured, rates: readonly number[]): string {
  const plans = rates.map((rate) => planFor(measured, rate));
  const bills = plans.map((plan) => ({ plan, bill: billOfShard(measured, plan) }));
  const services = [...new Set(bills.flatMap(({ bill }) => bill.lines.map(({ item }) => serviceOf(item))))];
  const dollars = (value: number) => `$${count(value)}`;
  return table(
    [`US dollars per month, ${PRICES.region}, ${PRICES.date}`, ...rates.map(perSecond)],
    [
      ...services.map((service) => [
        service,
        ...bills.map(({ plan, bill }) =>
          dollars(
            plan.shards *
              bill.lines
                .filter(({ item }) => serviceOf(item) === service)
                .reduce((sum, { usd }) => sum + usd, 0),
          ),
        ),
      ]),
      [
        'of which fixed cost of the deployments',
        ...bills.map(({ plan, bill }) =>
          dollars(plan.shards * (bill.totalUsd - (bill.perMillionUsd * bill.eventsPerMonth) / 1e6)),
        ),
      ],
      ['**total**', ...bills.map(({ plan, bill }) => `**${dollars(plan.shards * bill.totalUsd)}**`)],
      [
        'per million events',
        ...bills.map(({ bill }) => `$${((bill.totalUsd / bill.eventsPerMonth) * 1e6).toFixed(2)}`),
      ],
    ],
  );
}

/** The service of a line of the bill. */
function serviceOf(item: string): string {
  return item.split(':')[0] ?? item;
}

function unitsTable(measured: Measured): string {
  const runs = measured.runs.map(({ rate }) => ({ rate, units: unitsAt(measured, rate) }));
  const digits = (value: number) => value.toPrecision(3);
  const rows = [
    ['bytes in the events queue per event', ...runs.map(({ units }) => count(units.queueBytes))],
    ['events per message', ...runs.map(({ units }) => digits(1 / units.messages))],
    ['events per invocation of the consumer', ...runs.map(({ units }) => digits(1 / units.invocations))],
    ['events per PutEvents request', ...runs.map(({ units }) => digits(1 / units.putEventsCalls))],
    ['DynamoDB write units per event', ...runs.map(({ units }) => digits(units.writes))],
  ];
  const fixed: [string, string, string][] = [
    [
      'events/s of which a standby keeps all since the last beat',
      count(standbyEventsPerSecond(measured)),
      'computed from its memory, 96 MiB, and the time of a takeover, 13.5 s',
    ],
    [
      'events/s of the ingester per core',
      count(BENCH.ingesterEventsPerCore),
      'bench/README.md, the slowest protocol',
    ],
    ['events/s of the consumer per core', count(BENCH.consumerEventsPerCore), 'bench/README.md'],
    ['cores of a task', String(SIZES.ingesterCores), '`cpu: 256`'],
    [
      'cores of the consumer',
      SIZES.consumerCores.toFixed(2),
      '512 MB of 1,769 MB per core, Lambda documentation',
    ],
    ['planned share of a limit', percent(ESTIMATES.targetLoad), 'estimate'],
    ['invoked targets per event', String(ESTIMATES.targetsPerEvent), 'estimate: depends on your rules'],
    [
      'seconds that an invocation waits for AWS',
      String(ESTIMATES.consumerWaitSeconds),
      'estimate, on the slow side',
    ],
  ];
  return [
    table([`measured on ${measured.date}`, ...runs.map(({ rate }) => perSecond(rate))], rows),
    table(['other units', 'value', 'source'], fixed),
  ].join('\n\n');
}

function quotasTable(): string {
  const adjustable = (isAdjustable: boolean) => (isAdjustable ? 'yes' : 'no');
  return table(
    ['quota', 'default', 'of each', 'raised on request', `source, read on ${QUOTAS_READ_ON}`],
    [
      ...Object.values<Quota>(QUOTAS).map(({ name, value, unit, of, isAdjustable, source }) => [
        name,
        `${count(value)} ${unit}`,
        of,
        adjustable(isAdjustable),
        source,
      ]),
      ['EventBridge', 'by Region, see above', 'account', adjustable(true), EVENT_BRIDGE_SOURCE],
    ],
  );
}

function perSecond(rate: number): string {
  return `${count(rate)} events/s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? count(value) : value.toPrecision(1)} %`;
}
