import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalSystem, until } from '../end-to-end/local-system.ts';
import { batchProtocol } from './batch-protocol.ts';
import { BatchServer } from './batch-server.ts';

const NAMES = ['first', 'second'] as const;
const EVENTS = 40;

let servers: readonly BatchServer[];
let cursors: readonly Map<string, string>[];
let system: LocalSystem;

beforeEach(async () => {
  servers = [await BatchServer.listen(1), await BatchServer.listen(2)];
  cursors = NAMES.map(() => new Map());
  system = await LocalSystem.start({
    rates: {},
    ingester: {
      protocols: NAMES.map((name, index) => ({
        ...batchProtocol(servers[index]!.url, cursors[index]!),
        name,
      })),
      environment: { PROTOCOLS: NAMES.join(','), STREAMS: '0' },
      limits: { connection: { silenceMs: 400, pingEveryMs: 100, readyMs: 300 } },
    },
  });
  await until(() => system.ingester.isCovered);
});
afterEach(async () => {
  await system.close();
  for (const server of servers) await server.close();
});

async function answerOf(path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${system.ingester.healthPort}${path}`)).text();
}

test('Two protocols with a subscription of the same name keep their own events and cursors', async () => {
  for (const [index, server] of servers.entries()) server.emit('0', EVENTS * (index + 1));
  await until(() => cursors.every((one, index) => one.get('0') === String(EVENTS * (index + 1))));
  await until(() => system.published.length === 3 * EVENTS);
  await system.drain();
  const protocols = system.published.map(({ detail }) => (detail.metadata as { protocol: string }).protocol);
  expect(protocols.filter((name) => name === 'first')).toHaveLength(EVENTS);
  expect(protocols.filter((name) => name === 'second')).toHaveLength(2 * EVENTS);
});

test('A lost connection is a gap of the subscription of its own protocol only', async () => {
  servers[1]?.strike('drop');
  await until(() => system.ingester.coverage.totals.gaps === 1);
  await until(() => system.ingester.isCovered);
  expect(await answerOf('/metrics')).toMatch(
    /^switchboard_connects_total\{protocol="second",reason="1006"\} 1$/m,
  );
  expect(await answerOf('/metrics')).not.toMatch(/protocol="first",reason="1006"/);
});

test('The health endpoint and the metrics name the protocol and the subscription', async () => {
  expect(JSON.parse(await answerOf('/healthz'))).toMatchObject({
    ready: true,
    subscriptions: [{ name: 'first/0' }, { name: 'second/0' }],
  });
  expect(await answerOf('/metrics')).toMatch(
    /^switchboard_subscription_covered\{subscription="second\/0"\} 1$/m,
  );
});
