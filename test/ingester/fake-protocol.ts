import { closeRow } from '../../functions/ingester/protocols/close-codes.ts';
import { NOTIFICATION_CHANNELS_CLOSES } from '../../functions/ingester/protocols/notification-channels-closes.ts';
import type {
  CloseAction,
  CloseCause,
  ConnectionPlan,
  Decoded,
  PlanRequest,
  Protocol,
  Release,
} from '../../functions/ingester/protocols/protocol.ts';

/** A close code by which this protocol's server ends a subscription for good. */
export const STOP_CODE = 4_999;

/** A protocol whose frames are words: `ready`, `closing`, `revoked`; every other one is a notice. */
export class FakeProtocol implements Protocol {
  readonly name = 'notification-channels';
  readonly limits = {
    openTimeoutMs: 10_000,
    readyTimeoutMs: 10_000,
    silenceMs: 40_000,
    pingIntervalMs: 15_000,
  };
  /** Modes in which plans were asked for. */
  readonly modes: PlanRequest['mode'][] = [];
  /** How the plans ended, in the order of their ends: the number of the plan and what is left of it. */
  readonly released: [number, Release][] = [];
  lifeMs = 86_400_000;
  /** Waits or throws before a plan is given. */
  beforePlan: (request: PlanRequest) => Promise<void> = async () => {};

  async plan(request: PlanRequest): Promise<ConnectionPlan> {
    this.modes.push(request.mode);
    await this.beforePlan(request);
    const number = this.modes.length;
    return {
      url: `ws://plan-${number}`,
      replaceByMs: Date.now() + this.lifeMs,
      release: (outcome) => this.released.push([number, outcome]),
    };
  }

  openMessages(): readonly string[] {
    return ['hello'];
  }

  pingMessage(): string {
    return 'ping';
  }

  decode(data: Buffer): Decoded {
    const text = data.toString();
    if (text === 'ready' || text === 'alive') return { kind: 'alive', ready: text === 'ready' };
    if (text === 'closing') return { kind: 'replace', action: 'replan', reason: 'socket_closing' };
    if (text === 'revoked') return { kind: 'replace', action: 'reauthenticate', reason: 'token_revoked' };
    return { kind: 'notice', message: text };
  }

  classifyClose(cause: CloseCause): CloseAction {
    return cause.code === STOP_CODE ? 'stop' : closeRow(NOTIFICATION_CHANNELS_CLOSES, cause).action;
  }
}
