import { Generator } from 'switchboard-local/simulator/generator.ts';
import { PRESENCE_TOPIC } from 'switchboard-local/simulator/shapes/user-events.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { readGapRecords } from '../../bin/local/gap-records.ts';
import { NAMES } from '../../bin/local/resources.ts';
import { switchboard } from './child.ts';
import { LocalSystem, until } from './local-system.ts';

const EVENTS = 200;
const SOUND = { lost: 0, publishedTwice: 0, unexpected: 0, unproven: 0 };

describe('the socket and the integration at once', () => {
  let system: LocalSystem;
  afterEach(() => system.close());

  /** Presence events whose states do not return. */
  function emit(generator: Generator): void {
    for (let left = EVENTS; left > 0; left -= 1) system.simulator.emit(generator.next());
  }
  const start = async () => {
    system = await LocalSystem.start({ nativeTopics: [PRESENCE_TOPIC] });
    return new Generator(system.simulator, { seed: 1, topics: [PRESENCE_TOPIC] });
  };
  const settled = async () => {
    await system.integration.idle();
    await system.settled();
  };

  test('Each event is on the bus once, and its other copy is dropped', async () => {
    emit(await start());
    await settled();
    await system.drain();
    const { publishedTwiceWeak, ...report } = system.ledger.report();
    expect(report).toMatchObject({ ...SOUND, published: EVENTS, uncovered: 0 });
    const copies = system.published.length - EVENTS;
    expect(copies).toBe(publishedTwiceWeak);
  });

  test('While the socket is down, the copy of the integration is published, and the gap is recorded', async () => {
    const generator = await start();
    expect(system.simulator.dropSockets()).toBeGreaterThan(0);
    expect(system.simulator.liveConnections).toBe(0);
    emit(generator);
    await until(() => system.simulator.liveConnections > 0);
    await settled();
    await system.drain();
    expect(system.ledger.report()).toMatchObject({ ...SOUND, published: EVENTS, uncovered: 0 });
    const protocols = system.published.map(
      ({ detail }) => (detail as { metadata: { protocol: string } }).metadata.protocol,
    );
    expect(new Set(protocols)).toEqual(new Set(['native-integration']));
    const records = await readGapRecords(
      (input) => system.emulator.dynamodb.actions.Scan?.(input),
      NAMES.stateTable,
    );
    expect(records.flatMap(({ topics }) => topics).some((topic) => topic.includes('presence'))).toBe(true);
  });
});

test('A fault of the integration is refused for other protocols, and a fault of webhooks for the integration', async () => {
  const refusals = [
    ['notification-channels', 'native_delay'],
    ['native-integration', 'webhook_forged'],
  ].map(async ([protocol = '', fault = '']) => {
    const { code, stderr } = await switchboard(['local', '--protocol', protocol, '--faults', fault]).ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`--faults ${fault}: the protocol ${protocol} has no such faults`);
  });
  await Promise.all(refusals);
});
