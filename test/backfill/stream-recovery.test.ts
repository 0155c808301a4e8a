import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { EventHistory } from 'switchboard-local/simulator/recovery/event-history.ts';
import { RecoveryJudge } from 'switchboard-local/simulator/recovery/recovery-judge.ts';
import { ConversationServer } from 'switchboard-local/simulator/streams/conversation-server.ts';
import { StreamCloud } from 'switchboard-local/simulator/streams/stream-cloud.ts';
import { Tokens } from 'switchboard-local/simulator/tokens.ts';
import { expect, test } from 'vitest';
import { LocalBackfill, startCloud } from './local-backfill.ts';

const EVENTS = 300;

test('Of a gap of the conversation stream, the end of every conversation is recovered, and nothing else', async () => {
  const history = new EventHistory({ seed: 1, maxDelayMs: 0 });
  const recoveryJudge = new RecoveryJudge((topicName) => topicName === 'conversation.state');
  const ledger = new Ledger();
  const server = new ConversationServer(1);
  const stream = new StreamCloud({
    server,
    ledger,
    seed: 1,
    tokens: new Tokens(3_600),
    heartbeatMs: 1_000,
    faults: [],
    faultIntervalMs: 1_000,
    history,
    recoveryJudge,
  });
  const cloud = await startCloud({ history });
  const local = await LocalBackfill.start(cloud);
  const fromMs = Date.now() - 1_000;
  // Nobody is connected.
  for (let n = 0; n < EVENTS; n++) stream.emit(server.next());
  const gapId = await local.recordGap(fromMs, Date.now() + 1_000, ['conversation.state', 'routing.queue']);
  await local.fill(gapId);
  await cloud.simulator.close();
  for (const [serial, { frame, weak = false }] of local.published.entries())
    recoveryJudge.arrived({ ...frame, serial, isWeak: weak });
  const { recovered, unrecoverable, ...verdict } = recoveryJudge.judge([...ledger.missing()]);
  expect(verdict).toMatchObject({ unexplained: 0, impossible: 0, doubled: 0 });
  expect(recovered).toBe(local.published.length);
  expect(recovered).toBeGreaterThan(EVENTS / 4);
  const lost = unrecoverable as Readonly<Record<'conversation.state' | 'routing.queue', number>>;
  expect(recovered + lost['conversation.state'] + lost['routing.queue']).toBe(EVENTS);
  expect(local.published.every(({ weak, reconstructed }) => weak && reconstructed)).toBe(true);
});
