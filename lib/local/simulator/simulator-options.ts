import type { CloudFaults } from './cloud-faults.ts';
import type { Ledger } from './ledger.ts';
import type { NativeIntegration } from './native-integration.ts';
import type { OAuthClient } from './oauth-endpoint.ts';
import type { EventHistory } from './recovery/event-history.ts';
import type { RecoveryJudge } from './recovery/recovery-judge.ts';
import type { Tokens } from './tokens.ts';

export interface SimulatorOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Initial numbers of users and queues. Defaults 20 and 5. */
  readonly users?: number;
  readonly queues?: number;
  /** Defaults `simulator-client` and `simulator-secret`. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** More OAuth clients, each with its own channels. Default none. */
  readonly otherClients?: readonly OAuthClient[];
  /** Default 86,400. */
  readonly tokenLifeSeconds?: number;
  /** Tokens that it shares with other parts of the platform. Default: its own. */
  readonly tokens?: Tokens;
  /** Default 24 h. */
  readonly channelLifeMs?: number;
  /** Channels per client. Creating one more evicts one. Default 20. */
  readonly channelsPerClient?: number;
  /** Default 30,000. */
  readonly heartbeatMs?: number;
  /** Time between the announcement of a close and the close. Default 60,000. */
  readonly closingGraceMs?: number;
  /** API requests per token and minute. Default 300. */
  readonly requestsPerMinute?: number;
  /** The connection of a client with more unread data than this is closed. Default 64 MB. */
  readonly maxSocketBufferBytes?: number;
  /** Templates of topics for which the client lacks the permission, such as `v2.users.{id}.presence`. */
  readonly deniedTopics?: readonly string[];
  /** Permissions that the client lacks for reading past data, such as `analytics:userDetail:view`. Default none. */
  readonly deniedPermissions?: readonly string[];
  /** Maximum time until the REST API returns an event. Default 60,000. */
  readonly historyDelayMs?: number;
  /** The past data of the REST API, if other clouds also add to it. Default: the events that this simulator emits. */
  readonly history?: EventHistory;
  /** Sends every event to every channel, regardless of its topics. Used to replay a capture. Default false. */
  readonly everyTopic?: boolean;
  readonly faults?: CloudFaults;
  readonly ledger?: Ledger;
  /** Called for every emitted event. Default none. */
  readonly recoveryJudge?: RecoveryJudge;
  /** Also sends events to EventBridge. Default none. */
  readonly integration?: NativeIntegration;
}

/** Options of the simulator are out of range. */
export class SimulatorOptionsError extends Error {
  readonly code = 'SIMULATOR_OPTIONS';
  constructor(problems: readonly string[]) {
    super(`The options of the simulator are invalid. ${problems.join(' ')}`);
    this.name = 'SimulatorOptionsError';
  }
}

/**
 * Applies the defaults.
 *
 * @throws SimulatorOptionsError that lists all problems
 */
export function checkedOptions(options: SimulatorOptions) {
  const checked = {
    seed: options.seed ?? 1,
    users: options.users ?? 20,
    queues: options.queues ?? 5,
    clientId: options.clientId ?? 'simulator-client',
    clientSecret: options.clientSecret ?? 'simulator-secret',
    otherClients: options.otherClients ?? [],
    tokenLifeSeconds: options.tokenLifeSeconds ?? 86_400,
    channelLifeMs: options.channelLifeMs ?? 86_400_000,
    channelsPerClient: options.channelsPerClient ?? 20,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    closingGraceMs: options.closingGraceMs ?? 60_000,
    requestsPerMinute: options.requestsPerMinute ?? 300,
    maxSocketBufferBytes: options.maxSocketBufferBytes ?? 64 * 1_024 * 1_024,
    deniedTopics: options.deniedTopics ?? [],
    deniedPermissions: options.deniedPermissions ?? [],
    historyDelayMs: options.historyDelayMs ?? 60_000,
    everyTopic: options.everyTopic ?? false,
  };
  const problems: string[] = [];
  for (const [name, value] of Object.entries(checked)) {
    if (typeof value !== 'number' || name === 'seed') continue;
    const mayBeZero =
      name === 'users' || name === 'queues' || name === 'closingGraceMs' || name === 'historyDelayMs';
    if (!Number.isFinite(value) || value < 0 || (value === 0 && !mayBeZero)) {
      problems.push(`${name} must be ${mayBeZero ? 'at least' : 'greater than'} 0, not ${value}.`);
    }
  }
  for (const name of ['users', 'queues'] as const) {
    if (!Number.isInteger(checked[name])) problems.push(`${name} must be an integer.`);
  }
  if (problems.length > 0) throw new SimulatorOptionsError(problems);
  return checked;
}
