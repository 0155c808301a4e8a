import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REGION_GROUPS, type RegionGroup } from '../../bench/scale/quotas.ts';
import {
  billOfShard,
  eventBridgeNeeds,
  firstReached,
  loadsAt,
  planFor,
} from '../../bench/scale/scale-plan.ts';
import {
  BENCH,
  invocationSeconds,
  type Measured,
  standbyEventsPerSecond,
  unitsAt,
  usageAt,
} from '../../bench/scale/scale-units.ts';

const USAGE = {
  seconds: 10,
  events: 1_000,
  sqsRequests: 100,
  messages: 50,
  messageBytes: 1_000_000,
  eventBridgeEvents: 1_000,
  putEventsCalls: 125,
  dynamoDbWrites: 1_250,
  dynamoDbReads: 0,
  invocations: 25,
  invocationSeconds: 2,
  logBytes: 10_000,
  auditBytes: 0,
};
const SLOW = { ...USAGE, messages: 1_000, invocations: 1_000 };
const MEASURED: Measured = {
  date: '2026-11-22',
  runs: [
    { rate: 10, usage: SLOW },
    { rate: 100, usage: USAGE },
  ],
};

function groupOf(region: string): RegionGroup {
  const found = REGION_GROUPS.find(({ regions }) => regions.includes(region));
  if (!found) throw new Error(`No group has the Region ${region}`);
  return found;
}

describe('Units', () => {
  test('The usage of a second is that of the fastest run that was not faster, or of the slowest', () => {
    expect(usageAt(MEASURED, 5)).toMatchObject({ seconds: 1, events: 5, invocations: 5 });
    expect(usageAt(MEASURED, 99)).toMatchObject({ seconds: 1, events: 99, invocations: 99 });
    expect(usageAt(MEASURED, 200)).toMatchObject({ seconds: 1, events: 200, invocations: 5 });
  });

  test('An invocation takes the CPU time of its events and the time that it waits', () => {
    // 40 events / (17,260 events/s x 512/1,769 cores) + 0.1 s
    expect(invocationSeconds(unitsAt(MEASURED, 100))).toBeCloseTo(0.108_007, 6);
  });

  test('A standby keeps 13.5 s of events of 1,000 bytes and their overhead', () => {
    // 100,663,296 bytes / 1,200 bytes / 13.5 s
    expect(standbyEventsPerSecond(MEASURED)).toBeCloseTo(6_213.78, 2);
  });

  test('Without runs the error names the command that measures', () => {
    expect(() => unitsAt({ date: '', runs: [] }, 1)).toThrow('npm run scale -- --measure');
  });

  test('The figures of the benches are those of their documentation', () => {
    const readme = readFileSync(resolve(import.meta.dirname, '../../bench/README.md'), 'utf8');
    const figuresOf = (row: string) =>
      [...readme.matchAll(new RegExp(`^\\| ${row}[^|]* \\| ([\\d,]+) \\|`, 'gm'))].map(([, figure = '']) =>
        Number(figure.replaceAll(',', '')),
      );
    const ingester = figuresOf('ingester, ');
    expect(ingester.length).toBeGreaterThan(4);
    expect(BENCH.ingesterEventsPerCore).toBe(Math.min(...ingester));
    expect(figuresOf('consumer')).toEqual([BENCH.consumerEventsPerCore]);
  });
});

describe('10,000 events/s', () => {
  test('The claims table of a new deployment is reached first: 12,500 of 4,000 write units/s', () => {
    const loads = loadsAt(MEASURED, 10_000, groupOf('us-east-1'));
    expect(firstReached(loads)).toEqual({
      name: 'DynamoDB: writes of a new on-demand table',
      used: 12_500,
      limit: 4_000,
      unit: 'write units/s',
    });
    const used = Object.fromEntries(loads.map((one) => [one.name, one.used]));
    expect(used['EventBridge: PutEvents requests']).toBe(1_250);
    expect(used['EventBridge: invoked targets']).toBe(10_000);
    expect(used['Lambda: concurrent executions']).toBeCloseTo(27.002, 3);
    expect(used['SQS: messages in flight']).toBeCloseTo(54.004, 3);
  });

  test('In a Region with lower quotas the invoked targets are reached first', () => {
    expect(firstReached(loadsAt(MEASURED, 10_000, groupOf('sa-east-1')))).toMatchObject({
      name: 'EventBridge: invoked targets',
      limit: 1_100,
    });
  });

  test('Three deployments use no limit by more than 70 %', () => {
    // 10,000 / (0.7 x 6,213.78) = 2.3; 3,333 / 40 x 0.108 / 0.7 = 12.9; 3,333 x 1.25 / 0.7 = 5,952
    expect(planFor(MEASURED, 10_000)).toEqual({
      rate: 10_000,
      shards: 3,
      consumerConcurrency: 13,
      claimsWarmWriteUnits: 6_000,
      lambdaConcurrency: 39,
    });
  });

  test.each([
    ['eu-west-1', undefined, undefined],
    ['eu-central-1', undefined, 14_286],
    ['eu-west-2', 1_786, 14_286],
  ])('In %s the quotas to request are %s and %s', (region, putEvents, invocations) => {
    expect(eventBridgeNeeds(MEASURED, 10_000, groupOf(region))).toEqual({ putEvents, invocations });
  });

  test('The bill of a deployment has a third of the events and two tasks', () => {
    const { lines } = billOfShard(MEASURED, planFor(MEASURED, 10_000));
    const usdOf = (item: string) => lines.find((line) => line.item === item)?.usd;
    // 3,333.3 x 2.628 M seconds x $1 per million, and two tasks of 0.25 vCPU for 730 h
    expect(usdOf('EventBridge: events on the bus')).toBeCloseTo(8_760, 0);
    expect(usdOf('Fargate: vCPU')).toBeCloseTo(2 * 0.25 * 730 * 0.032_38, 6);
  });
});

test('At a low rate the default properties are kept', () => {
  expect(planFor(MEASURED, 100)).toEqual({
    rate: 100,
    shards: 1,
    consumerConcurrency: 10,
    claimsWarmWriteUnits: undefined,
    lambdaConcurrency: 10,
  });
});
