import type { CloudFaults } from './cloud-faults.ts';
import type { Ledger } from './ledger.ts';
import type { ConversationDetails } from './rest-api.ts';

export interface SimulatorOptions {
  /** Default 1. */
  readonly seed?: number;
  /** How many users and queues there are at first. Defaults 20 and 5. */
  readonly users?: number;
  readonly queues?: number;
  /** Defaults `simulator-client` and `simulator-secret`. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Default 86,400. */
  readonly tokenLifeSeconds?: number;
  /** Default 24 h. */
  readonly channelLifeMs?: number;
  /** Channels a client may have; the next one evicts one. Default 20. */
  readonly channelsPerClient?: number;
  /** Default 30,000. */
  readonly heartbeatMs?: number;
  /** Time between an announced close and the server's close. Default 60,000. */
  readonly closingGraceMs?: number;
  /** API requests a token may make in a minute. Default 300. */
  readonly requestsPerMinute?: number;
  /** A client that leaves more than this unread is closed. Default 64 MB. */
  readonly socketBufferLimitBytes?: number;
  /** Templates of topics that the client has no permission for, such as `v2.users.{id}.presence`. */
  readonly deniedTopics?: readonly string[];
  /** Answers `POST /api/v2/analytics/conversations/details/query`; by default nothing is found. */
  readonly conversationDetails?: ConversationDetails;
  /** Every channel is sent every event, whatever its topics: to play a capture. Default false. */
  readonly everyTopic?: boolean;
  readonly faults?: CloudFaults;
  readonly ledger?: Ledger;
}

/** An option of the simulator is out of range. */
export class SimulatorOptionsError extends Error {
  readonly code = 'SIMULATOR_OPTIONS';
  constructor(problems: readonly string[]) {
    super(`The simulator cannot start. ${problems.join(' ')}`);
    this.name = 'SimulatorOptionsError';
  }
}

/** @throws SimulatorOptionsError that lists every problem at once */
export function checkedOptions(options: SimulatorOptions) {
  const checked = {
    seed: options.seed ?? 1,
    users: options.users ?? 20,
    queues: options.queues ?? 5,
    clientId: options.clientId ?? 'simulator-client',
    clientSecret: options.clientSecret ?? 'simulator-secret',
    tokenLifeSeconds: options.tokenLifeSeconds ?? 86_400,
    channelLifeMs: options.channelLifeMs ?? 86_400_000,
    channelsPerClient: options.channelsPerClient ?? 20,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    closingGraceMs: options.closingGraceMs ?? 60_000,
    requestsPerMinute: options.requestsPerMinute ?? 300,
    socketBufferLimitBytes: options.socketBufferLimitBytes ?? 64 * 1_024 * 1_024,
    deniedTopics: options.deniedTopics ?? [],
    everyTopic: options.everyTopic ?? false,
    conversationDetails: options.conversationDetails ?? (() => ({ totalHits: 0 })),
  };
  const problems: string[] = [];
  for (const [name, value] of Object.entries(checked)) {
    if (typeof value !== 'number' || name === 'seed') continue;
    const least = name === 'users' || name === 'queues' || name === 'closingGraceMs' ? 0 : Number.MIN_VALUE;
    if (!Number.isFinite(value) || value < least) {
      problems.push(`${name} must be a number of at least ${least === 0 ? 0 : 'one'}, not ${value}.`);
    }
  }
  for (const name of ['users', 'queues'] as const) {
    if (!Number.isInteger(checked[name])) problems.push(`${name} must be an integer.`);
  }
  if (problems.length > 0) throw new SimulatorOptionsError(problems);
  return checked;
}
