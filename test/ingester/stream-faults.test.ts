import { AnalyticsServer } from 'switchboard-local/simulator/streams/analytics-server.ts';
import { ConversationServer } from 'switchboard-local/simulator/streams/conversation-server.ts';
import { InteractionServer } from 'switchboard-local/simulator/streams/interaction-server.ts';
import type { StreamConnection } from 'switchboard-local/simulator/streams/stream-connection.ts';
import type { StreamFaultKind } from 'switchboard-local/simulator/streams/stream-fault-kinds.ts';
import type { StreamServer } from 'switchboard-local/simulator/streams/stream-server.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { STREAMS, StreamRun } from './streamed-ingester.ts';

type Name = keyof typeof STREAMS;
const NAMES = Object.keys(STREAMS) as Name[];
const EVERY_FAULT = NAMES.flatMap((name) =>
  STREAMS[name]().server.faults.map((kind): [Name, StreamFaultKind] => [name, kind]),
);

let run: StreamRun | undefined;
afterEach(async () => {
  await run?.close();
  run = undefined;
});
async function start(name: Name): Promise<StreamRun> {
  run = await StreamRun.start<StreamServer>(STREAMS[name]());
  await run.covered();
  return run;
}

test.concurrent.each(EVERY_FAULT)(
  '%s survives the fault %s: every event is sent to the queue, or lies in a gap record',
  async (name, kind) => {
    const running = await StreamRun.start<StreamServer>(STREAMS[name]());
    try {
      await running.covered();
      await running.survive(kind);
      const { lost, unexpected, gaps } = await running.judge();
      expect({ lost, unexpected, gaps }).toMatchObject({ lost: 0, unexpected: 0, gaps: { unexplained: 0 } });
    } finally {
      await running.close();
    }
  },
);

describe('what a fault leaves behind', () => {
  test.each(['analytics-events', 'conversation-stream', 'interaction-events'] as const)(
    'With %s, missing numbers are a gap record with their size, and are counted',
    async (name) => {
      const running = await start(name);
      await running.survive('sequence_gap');
      expect(running.ingester.intake.totals.protocols[name]?.sequence.gap).toBeGreaterThan(0);
      const { reasons } = await running.judge();
      expect(reasons).toContainEqual(
        expect.stringMatching(/^\d+ events not delivered: sequence numbers \d+ to \d+$/),
      );
    },
  );

  test.each(['analytics-events', 'conversation-stream', 'interaction-events'] as const)(
    'With %s, a sequence that restarts is recorded as a new epoch, and is counted',
    async (name) => {
      const running = await start(name);
      await running.survive('sequence_restart');
      expect(running.ingester.intake.totals.protocols[name]?.sequence.epoch).toBeGreaterThan(0);
      const { reasons } = await running.judge();
      expect(reasons).toContainEqual(
        expect.stringMatching(/^the sequence restarted at \d+ after \d+: a new epoch$/),
      );
    },
  );

  test('Events that interaction-events missed in a short disconnect are resent within the retry time', async () => {
    const running = await start('interaction-events');
    await running.survive('socket_drop');
    await running.judge();
    expect(running.ledger.report()).toMatchObject({ lost: 0, uncovered: 0 });
  });

  test('Events that notification-stream missed in a disconnect are resent after the last event id', async () => {
    const running = await start('notification-stream');
    await running.survive('half_open');
    await running.judge();
    expect(running.ledger.report()).toMatchObject({ lost: 0, uncovered: 0 });
  });

  test('A last event id that the server does not know is recorded as a gap, and the stream continues without it', async () => {
    const running = await start('notification-stream');
    await running.survive('resume_refused');
    const { reasons } = await running.judge();
    expect(reasons).toContainEqual(expect.stringMatching(/^the server cannot continue after event \d+$/));
  });

  test('A deleted subscription is left out and reported, and the others continue', async () => {
    const running = await start('notification-stream');
    await running.survive('resource_gone');
    const metrics = running.ingester.metricSources();
    expect(metrics.rejectedTopics()).toBe(1);
    expect(
      running.log.about('a subscription is refused and left out').map(({ fields }) => fields),
    ).toMatchObject([
      {
        topic: expect.stringMatching(/^routing\.queueEvents\./),
        reason: expect.stringMatching(/^Invalid subscription: /),
      },
    ]);
  });

  test('Pongs that do not come end a connection, although events do', async () => {
    const running = await start('notification-stream');
    const emitting = setInterval(() => running.emit(1), 5);
    running.cloud.faults.strike('pongs_withheld');
    await eventually(() => running.log.about('connection lost').length).toBe(1);
    await running.covered();
    clearInterval(emitting);
    await running.cloud.finish();
    const { lost, gaps, reasons } = await running.judge();
    expect({ lost, unexplained: gaps.unexplained }).toEqual({ lost: 0, unexplained: 0 });
    expect(reasons).toContain('1006 missed pongs in a row: 3');
  });

  test('A batch has several events of several resources', async () => {
    const running = await start('notification-stream');
    running.emit(250);
    await eventually(() => running.ingester.intake.totals.received).toBe(250);
    await running.judge();
    expect(running.ledger.report()).toMatchObject({ sent: 250, lost: 0, uncovered: 0 });
    expect(new Set(running.aws.events.map(({ frame }) => frame.topicName)).size).toBe(5);
  });

  test('A frame above the configured limit is counted, and the connection is made again', async () => {
    const stream = STREAMS['conversation-stream']();
    const environment = { ...stream.environment, SOCKET_MAX_FRAME_BYTES: '2048', SOCKET_DEFLATE: 'on' };
    run = await StreamRun.start({ ...stream, environment });
    await run.covered();
    run.cloud.subscribed[0]?.socket.control('x'.repeat(2_049));
    await eventually(() => run?.ingester.intake.totals.unpreserved).toBe(1);
    await eventually(() => run?.ingester.metricSources().reconnects()).toContainEqual({
      protocol: 'conversation-stream',
      reason: '1009',
      count: 1,
    });
    await run.covered();
    run.emit(20);
    await eventually(() => run?.ingester.intake.totals.received).toBe(20);
    const { reasons } = await run.judge();
    expect(reasons).toContainEqual(expect.stringMatching(/^1009 /));
  });

  test('Fragments, repeated numbers and binary frames of both formats do not end a connection', async () => {
    const running = await start('interaction-events');
    running.emit(50);
    for (const kind of ['fragmented_frame', 'sequence_repeat'] as const) running.cloud.faults.strike(kind);
    running.emit(150);
    await eventually(() => running.ingester.intake.totals.received).toBe(200);
    expect(running.ingester.intake.totals).toMatchObject({
      copies: 0,
      sequence: { duplicate: 2, gap: 0, late: 0 },
    });
    const { reasons } = await running.judge();
    expect(reasons).toEqual([]);
    expect(running.ledger.report()).toMatchObject({ sent: 200, lost: 0, uncovered: 0 });
  });
});

describe('what ends the process', () => {
  class RefusingAnalytics extends AnalyticsServer {
    override onText(connection: StreamConnection, ...rest: [string, never]): void {
      if (rest[0].includes('"subscribe"'))
        connection.send({ type: 'error', error: { code: '400', message: 'Invalid filter syntax' } });
      else super.onText(connection, ...rest);
    }
  }
  class RefusingInteraction extends InteractionServer {
    subscribed = 0;
    override onText({ socket }: StreamConnection): void {
      this.subscribed++;
      socket.close(4_003, 'invalid filter');
    }
  }
  class RefusingConversation extends ConversationServer {
    override refusal(): number {
      return 403;
    }
  }

  test('A filter that analytics-events refuses', async () => {
    run = await StreamRun.start(STREAMS['analytics-events'](new RefusingAnalytics(1)));
    await expect(run.ingester.failed).rejects.toThrow(/400 Invalid filter syntax/);
  });

  test('A subscription that interaction-events refuses twice in a row', async () => {
    const server = new RefusingInteraction(1);
    const { name, environment } = STREAMS['interaction-events']();
    run = await StreamRun.start({
      name,
      server,
      environment: { ...environment, INTERACTION_EVENT_TYPES: 'interaction:updated' },
    });
    await expect(run.ingester.failed).rejects.toThrow(/4003.*invalid filter/);
    expect(server.subscribed).toBe(2);
  });

  test('A scope that is missing for so many attempts', async () => {
    run = await StreamRun.start(STREAMS['conversation-stream'](new RefusingConversation(1)));
    await expect(run.ingester.failed).rejects.toThrow(/HTTP 403/);
  });

  test('The last subscription of notification-stream is deleted', async () => {
    const stream = STREAMS['notification-stream']();
    run = await StreamRun.start(stream);
    await run.covered();
    stream.server.resources = [];
    run.cloud.faults.strike('socket_drop');
    await expect(run.ingester.failed).rejects.toThrow(
      /Genesys Cloud refuses every subscription: .*Check NOTIFICATION_SUBSCRIPTIONS/,
    );
  });
});
