import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { EventHistory } from 'switchboard-local/simulator/recovery/event-history.ts';
import { RECOVERY_PERMISSIONS } from 'switchboard-local/simulator/recovery/recovery-resource.ts';
import { type Listening, Simulator, type SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CloudClient } from './cloud-client.ts';

const USER = '6f1c9d4e-0000-4000-8000-000000000001';
const PRESENCE = { id: '6a3af858-942f-489d-9700-5f9bcdcdae9b', systemPresence: 'AVAILABLE' };

let simulator: Simulator;
let cloud: Listening;
let client: CloudClient;

async function start(options: SimulatorOptions = {}): Promise<void> {
  simulator = new Simulator({ historyDelayMs: 0, ...options });
  cloud = await simulator.listen();
  client = new CloudClient(cloud);
  await client.login();
}
afterEach(async () => {
  vi.restoreAllMocks();
  await simulator.close();
});

async function post(path: string, body: object): Promise<{ status: number; body: Record<string, never[]> }> {
  const response = await fetch(`${cloud.url}/api/v2/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client.token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never[]> };
}

function emit(topicName: string, eventBody: object): void {
  simulator.emit({ topicName, version: '2', eventBody, metadata: {} } as Frame);
}

function presence(modifiedDate: string): object {
  return { source: 'PURECLOUD', presenceDefinition: PRESENCE, primary: true, message: '', modifiedDate };
}

const interval = '2026-01-01T00:00:00.000Z/2026-01-01T01:00:00.000Z';

describe('the REST API about the past', () => {
  test('The details of users are the presences that overlap the interval, each until the next one', async () => {
    await start();
    for (const minute of ['00:10', '00:20', '02:00'])
      emit(`v2.users.${USER}.presence`, presence(`2026-01-01T${minute}:00.000Z`));
    const { body } = await post('analytics/users/details/query', {
      interval,
      paging: { pageSize: 100, pageNumber: 1 },
    });
    const state = { systemPresence: 'AVAILABLE', organizationPresenceId: PRESENCE.id };
    expect(body).toEqual({
      totalHits: 1,
      userDetails: [
        {
          userId: USER,
          routingStatus: [],
          primaryPresence: [
            { ...state, startTime: '2026-01-01T00:10:00.000Z', endTime: '2026-01-01T00:20:00.000Z' },
            { ...state, startTime: '2026-01-01T00:20:00.000Z', endTime: '2026-01-01T02:00:00.000Z' },
          ],
        },
      ],
    });
  });

  test('Without a delay an event is visible at once, also if the clock of the ledger is ahead', async () => {
    await start();
    vi.spyOn(performance, 'timeOrigin', 'get').mockReturnValue(performance.timeOrigin + 60_000);
    emit(`v2.users.${USER}.presence`, presence('2026-01-01T00:10:00.000Z'));
    const { body } = await post('analytics/users/details/query', { interval });
    expect(body.totalHits).toBe(1);
  });

  test('A change to only the message of a presence is not in the details of users', async () => {
    await start();
    emit(`v2.users.${USER}.presence`, presence('2026-01-01T00:10:00.000Z'));
    emit(`v2.users.${USER}.presence`, { ...presence('2026-01-01T00:10:00.000Z'), message: 'back at two' });
    const { body } = await post('analytics/users/details/query', { interval });
    expect(body.userDetails?.[0]).toMatchObject({ primaryPresence: [{ systemPresence: 'AVAILABLE' }] });
  });

  test('A page after the last one has no list, and a page beyond 100,000 results is refused', async () => {
    await start();
    emit(`v2.users.${USER}.presence`, presence('2026-01-01T00:10:00.000Z'));
    const page = (pageNumber: number) =>
      post('analytics/users/details/query', { interval, paging: { pageSize: 100, pageNumber } });
    expect((await page(2)).body).toEqual({ totalHits: 1 });
    expect((await page(1_001)).status).toBe(400);
  });

  test('A missing permission is reported by name', async () => {
    await start({ deniedPermissions: [RECOVERY_PERMISSIONS.userDetails] });
    const { status, body } = await post('analytics/users/details/query', { interval });
    expect(status).toBe(403);
    expect(body.message).toContain('analytics:userDetail:view');
  });

  test('Data is visible only after its delay', () => {
    const history = new EventHistory({ seed: 1, maxDelayMs: 60_000 });
    const fromMs = Date.parse('2026-01-01T00:00:00Z');
    for (let n = 0; n < 50; n += 1) {
      const modifiedDate = new Date(fromMs + n * 1_000).toISOString();
      history.record(
        { topicName: `v2.users.${n}.presence`, eventBody: presence(modifiedDate) },
        fromMs + n * 1_000,
      );
    }
    const seen = (nowMs: number) => history.users.details(fromMs, fromMs + 60_000, nowMs).length;
    expect(seen(fromMs)).toBe(0);
    expect(seen(fromMs + 40_000)).toBeGreaterThan(3);
    expect(seen(fromMs + 40_000)).toBeLessThan(50);
    expect(seen(fromMs + 120_000)).toBe(50);
  });

  test('The record of a conversation has the participants, sessions and segments of its detail events', async () => {
    await start();
    const generator = new Generator(simulator, { seed: 3, topics: GENERATED_TOPICS });
    const frames = Array.from({ length: 20_000 }, () => generator.next());
    for (const frame of frames) simulator.emit(frame);
    const ended = frames.find(({ topicName }) => topicName.endsWith('.wrapup'))!;
    const { conversationId, participantId, sessionId, wrapupCode, eventTime } = ended.eventBody as Record<
      'conversationId' | 'participantId' | 'sessionId' | 'wrapupCode',
      string
    > & { eventTime: number };
    const found = simulator.history.conversations
      .details(eventTime - 60_000, eventTime + 60_000, Date.now() + 1)
      .find((record) => record.conversationId === conversationId);
    expect(found).toMatchObject({ conversationEnd: expect.any(String) });
    const { participants } = found as { participants?: unknown };
    const sessions = (
      participants as {
        participantId: string;
        sessions: { sessionId: string; segments: object[] }[];
      }[]
    )
      .filter((participant) => participant.participantId === participantId)
      .flatMap((participant) => participant.sessions);
    expect(sessions).toMatchObject([{ sessionId }]);
    expect(sessions[0]?.segments).toContainEqual(
      expect.objectContaining({
        segmentType: 'wrapup',
        wrapUpCode: wrapupCode,
        segmentEnd: new Date(eventTime).toISOString(),
      }),
    );
  });

  test('Without detail events the record of a conversation is derived from its last state', async () => {
    await start();
    const generator = new Generator(simulator, { seed: 3 });
    for (let n = 0; n < 5_000; n += 1) simulator.emit(generator.next());
    const nowMs = Date.now() + 1;
    const records = simulator.history.conversations.details(nowMs - 3_600_000, nowMs + 3_600_000, nowMs);
    expect(records.length).toBeGreaterThan(50);
    expect(records.some(({ conversationEnd }) => conversationEnd !== undefined)).toBe(true);
    const open = records.find(({ conversationEnd }) => conversationEnd === undefined);
    expect(simulator.history.conversations.open(String(open?.conversationId))).toMatchObject({
      id: open?.conversationId,
    });
  });
});
