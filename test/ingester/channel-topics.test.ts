import type { SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChannelSession } from '../../functions/ingester/protocols/notification-channels/channel-session.ts';
import { ChannelCloud, type RestCall, TOPICS } from './channel-cloud.ts';

const SUBSCRIPTIONS = 'channels/{id}/subscriptions';
const MORE = [...TOPICS, 'v2.users.c.presence', 'v2.users.d.presence'];

let cloud: ChannelCloud;

afterEach(() => cloud.close());

async function start(options: SimulatorOptions = {}): Promise<void> {
  cloud = await ChannelCloud.start(options);
}

const update = (session: ChannelSession, topics: readonly string[]) => session.update({ topics });
const put = (topics: readonly string[]): RestCall => ['PUT', SUBSCRIPTIONS, ...topics];
const post = (topics: readonly string[]): RestCall => ['POST', SUBSCRIPTIONS, ...topics];
/** Refuse the calls that add topics; `before` runs first. */
function refuseAdditions(before: () => void = () => {}): void {
  cloud.intercept = (method, path) => {
    if (method !== 'POST' || !path.endsWith('subscriptions')) return undefined;
    before();
    return new Response('{}', { status: 400 });
  };
}

describe('rejected topics', () => {
  test('A rejected topic has its reason, is logged once and is forgotten when it is no longer rejected', async () => {
    await start({ deniedTopics: ['v2.routing.queues.{id}.conversations'] });
    const session = await cloud.open();
    const reason = 'You are missing the permission conversation:communication:view.';
    expect([...cloud.channels.rejected]).toEqual([[TOPICS[2], reason]]);
    const next = await cloud.open('restart');
    expect(cloud.log.about('rejected a topic').map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { topic: TOPICS[2], reason }],
    ]);
    for (const one of [session, next]) await update(one, TOPICS.slice(0, 2));
    expect(cloud.channels.rejected.size).toBe(0);
  });

  test('The rejected parts of a combined topic are listed one by one', async () => {
    await start({ deniedTopics: ['v2.users.{id}.station'] });
    const session = await cloud.open();
    expect([...cloud.channels.rejected.keys()]).toEqual(['v2.users.b.station']);
    await update(
      session,
      TOPICS.filter((topic) => !topic.includes('b?')),
    );
    expect(cloud.channels.rejected.size).toBe(0);
  });

  test('A session whose topics are all rejected fails permanently', async () => {
    await start({
      deniedTopics: [
        'v2.users.{id}.presence',
        'v2.users.{id}.station',
        'v2.routing.queues.{id}.conversations',
      ],
    });
    await expect(cloud.open()).rejects.toMatchObject({
      code: 'missing_permission',
      retriable: false,
      message: expect.stringMatching(/rejected every topic, for example .* Check TOPICS/),
    });
    expect(cloud.channels.rejected.size).toBe(3);
  });

  test('Rejections in older responses are recognized', async () => {
    await start();
    cloud.intercept = (method) =>
      method === 'PUT'
        ? Response.json({
            entities: [
              { id: 'x', state: 'Rejected', rejectReason: 'old' },
              { id: 'y', state: 'Unknown' },
              { id: 'z' },
            ],
          })
        : undefined;
    await cloud.open('resume', ['x', 'y', 'z']);
    expect(Object.fromEntries(cloud.channels.rejected)).toEqual({ x: 'old', y: 'Unknown' });
  });

  test('A topic that is rejected for another reason is logged again', async () => {
    await start();
    for (const reason of ['one', 'one', 'two']) {
      cloud.intercept = (method) =>
        method === 'PUT'
          ? Response.json({
              entities: TOPICS.map((id, n) =>
                n === 0 ? { id, state: 'Rejected', rejectionReason: reason } : { id, state: 'Permitted' },
              ),
            })
          : undefined;
      (await cloud.open()).release('reusable');
    }
    expect(cloud.log.about('rejected a topic').map(({ fields }) => fields.reason)).toEqual(['one', 'two']);
  });
});

describe('changed topics', () => {
  test('Only the added topics are posted, to every channel in use', async () => {
    await start();
    const sessions = [await cloud.open(), await cloud.open('restart')];
    cloud.newCalls();
    for (const session of sessions) await update(session, MORE);
    expect(cloud.newCalls()).toEqual([post(MORE.slice(3)), post(MORE.slice(3))]);
  });

  test('A change that removes a topic sets the whole list', async () => {
    await start();
    const session = await cloud.open();
    cloud.newCalls();
    const changed = [...TOPICS.slice(1), 'v2.users.c.presence'];
    await update(session, changed);
    expect(cloud.newCalls()).toEqual([put(changed)]);
  });

  test('A change to the same topics in another order makes no call, not even when the session is resumed', async () => {
    await start();
    const session = await cloud.open();
    cloud.newCalls();
    const reversed = TOPICS.toReversed();
    await update(session, reversed);
    session.release('resumable');
    expect((await cloud.open('resume', reversed)).url).toBe(session.url);
    expect(cloud.newCalls()).toEqual([]);
  });

  test('A session that was updated is resumed with its new topics', async () => {
    await start();
    const session = await cloud.open();
    await update(session, MORE);
    session.release('resumable');
    cloud.newCalls();
    expect((await cloud.open('resume', MORE)).url).toBe(session.url);
    expect(cloud.newCalls()).toEqual([]);
  });

  test('A channel that missed a change gets the whole list at the next one', async () => {
    await start();
    const session = await cloud.open();
    refuseAdditions();
    await expect(update(session, MORE.slice(0, 4))).rejects.toMatchObject({ code: 'refused' });
    cloud.intercept = () => undefined;
    cloud.newCalls();
    await update(session, MORE);
    expect(cloud.newCalls()).toEqual([put(MORE)]);
  });

  test('A session that is lost during a failed change is not resumed', async () => {
    await start();
    const session = await cloud.open();
    // The connection is lost while the call is in progress, and the call fails.
    refuseAdditions(() => session.release('resumable'));
    await expect(update(session, MORE)).rejects.toMatchObject({ code: 'refused' });
    cloud.intercept = () => undefined;
    cloud.newCalls();
    await cloud.open('resume', MORE);
    expect(cloud.newCalls()).toEqual([['HEAD', 'channels/{id}'], put(MORE)]);
  });

  test('A session that is updated twice gets only the difference each time', async () => {
    await start();
    const session = await cloud.open();
    await update(session, MORE);
    cloud.newCalls();
    await update(session, [...MORE, 'v2.users.e.presence']);
    expect(cloud.newCalls()).toEqual([post(['v2.users.e.presence'])]);
  });
});
