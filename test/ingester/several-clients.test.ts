import { afterEach, expect, test } from 'vitest';
import { CloudClient } from '../local/simulator/cloud-client.ts';
import { eventually } from './eventually.ts';
import { IngesterRun } from './ingester-run.ts';

const CLIENTS = [
  { clientId: 'simulator-client', clientSecret: 'simulator-secret' },
  { clientId: 'second-client', clientSecret: 'second-secret' },
] as const;
/** Channels of each client per task, and of each client in the cloud: twice as many, for an upgrade. */
const CHANNELS = 2;
/** Topics for three channels. */
const USERS = 2_500;

let run: IngesterRun;
afterEach(() => run.close());

/** Number of channels of each client in the cloud. */
async function channelsPerClient(url: string): Promise<number[]> {
  const counts: number[] = [];
  for (const { clientId, clientSecret } of CLIENTS) {
    const client = new CloudClient({ url });
    await client.login(clientId, clientSecret);
    const path = '/api/v2/notifications/channels?includechannels=oauthclient';
    const { body } = await client.call('GET', path);
    counts.push((body.entities as unknown as object[]).length);
  }
  return counts;
}

test('The tasks of an upgrade spread their channels over two OAuth clients, and no channel is evicted', async () => {
  run = await IngesterRun.start({
    simulator: { users: USERS, queues: 0, otherClients: [CLIENTS[1]], channelsPerClient: 2 * CHANNELS },
    environment: { CHANNELS: String(CHANNELS) },
    dependencies: { credentials: CLIENTS.map((client) => async () => client) },
  });
  const before = run.simulator.channelIds;
  expect(await channelsPerClient(run.url)).toEqual([2, 1]);
  const next = run.newIngester();
  await next.start();
  await eventually(() => next.isCovered).toBe(true);
  expect(await channelsPerClient(run.url)).toEqual([4, 2]);
  expect(run.simulator.channelIds).toEqual(expect.arrayContaining([...before]));
  expect(run.simulator.liveConnections).toBe(6);
  await run.ingester.stop();
  const last = run.newIngester();
  await last.start();
  await eventually(() => last.isCovered).toBe(true);
  // It uses the stored channels of the first task, each with the client that created it.
  expect(await channelsPerClient(run.url)).toEqual([4, 2]);
  await Promise.all([next.stop(), last.stop()]);
});
