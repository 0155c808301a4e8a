import { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { InteractionServer } from 'switchboard-local/simulator/streams/interaction-server.ts';
import { StreamBroadcast } from 'switchboard-local/simulator/streams/stream-broadcast.ts';
import type { StreamConnection } from 'switchboard-local/simulator/streams/stream-connection.ts';
import { expect, test } from 'vitest';

const TOPIC = 'interaction:created';
const FRAME = { topicName: TOPIC, version: '2', eventBody: {}, metadata: {} };

test('An event is only left out after a client got one of its topic, because it could not see the loss before', () => {
  const sent: number[] = [];
  const client = {
    topics: new Set([TOPIC]),
    got: new Set<string>(),
    collect: (event: { stamp: { sequence: number } }) => sent.push(event.stamp.sequence),
  } as unknown as StreamConnection;
  let toSkip = 1;
  const broadcast = new StreamBroadcast({
    server: new InteractionServer(1),
    ledger: new Ledger(),
    connections: () => [client],
    takeSkip: () => toSkip-- > 0,
  });
  for (let left = 4; left > 0; left -= 1) broadcast.emit(FRAME);
  expect(sent).toEqual([1, 3, 4]);
});
