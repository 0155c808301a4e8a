import { expect, vi } from 'vitest';
import type { BackoffLimits } from '../../functions/ingester/backoff.ts';
import type { Subscription } from '../../functions/ingester/protocols/stream-protocol.ts';
import { Supervisor, type SupervisorState } from '../../functions/ingester/supervisor.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { FakeProtocol, offlineContext } from './fake-protocol.ts';
import { type FakeSocket, FakeSockets } from './fake-socket.ts';
import { TestLog } from './test-log.ts';

const START_MS = 1_800_000_000_000;

/**
 * A supervisor of a fake protocol on fake sockets, under fake timers. Jitter is switched off, so that delays are exact.
 * A test file that uses it mocks `node:timers/promises` with `./timers-promises.ts`.
 */
export class Supervised {
  readonly protocol = new FakeProtocol();
  readonly sockets = new FakeSockets();
  readonly log = new TestLog();
  readonly supervisor: Supervisor;
  /** What the supervisor reported, in order; times are milliseconds since the start. */
  readonly reports: (readonly [string, ...unknown[]])[] = [];
  /** The states that were seen. */
  readonly states = new Set<SupervisorState>();

  constructor(options: { subscription?: Subscription; backoff?: Partial<BackoffLimits> } = {}) {
    vi.useFakeTimers({ now: START_MS });
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { protocol, sockets, log, reports } = this;
    const sinceStart = (atMs: number) => atMs - START_MS;
    this.supervisor = new Supervisor(
      {
        protocol,
        context: offlineContext(log),
        sink: {
          open: () => {},
          end: () => {},
          take: (_session, signal) =>
            reports.push(['notice', signal.kind === 'notice' ? signal.message : signal.kind]),
        },
        open: sockets.open,
        backoff: options.backoff,
      },
      options.subscription ?? { topics: ['a'] },
      {
        onCovered: (atMs) => reports.push(['covered', sinceStart(atMs)]),
        onUncovered: (fromMs, reason) => reports.push(['uncovered', sinceStart(fromMs), reason]),
        onGap: (fromMs, toMs, reason) => reports.push(['gap', sinceStart(fromMs), sinceStart(toMs), reason]),
        onConnected: (reason) => reports.push(['connected', reason]),
        onFailed: (error) => reports.push(['failed', error.message]),
      },
    );
    this.states.add(this.supervisor.state);
  }

  /** Names of the reports, in order. */
  get reportNames(): string[] {
    return this.reports.map(([name]) => name);
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return Date.now() - START_MS;
  }

  /** Let time pass; without an argument only what is due now happens. */
  async pass(ms = 0): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    this.states.add(this.supervisor.state);
  }

  /** Open a socket if it is not open, and make its session ready. */
  async makeReady(socket = this.sockets.last): Promise<FakeSocket> {
    if (socket.readyState === 0) socket.open();
    socket.message('ready');
    await this.pass();
    return socket;
  }

  /** Start, and make the first connection ready. */
  async goLive(): Promise<FakeSocket> {
    this.supervisor.start();
    await this.pass();
    return this.makeReady();
  }

  /** Begin to replace the live connection: its session cannot change its subscription. */
  async beginReplacement(): Promise<void> {
    this.supervisor.change({ topics: [...this.supervisor.subscription.topics, 'more'] });
    await this.pass();
  }

  /** Stop, check that no timer is left, and restore timers and jitter. */
  async close(): Promise<void> {
    const stopping = this.supervisor.stop();
    await this.pass(CLOSE_TIMEOUT_MS);
    await stopping;
    this.states.add(this.supervisor.state);
    expect(vi.getTimerCount()).toBe(0);
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
}
