import type { Cloud } from './cloud.ts';
import type { ProtocolAccount } from './protocol-account.ts';

/** One protocol of a run. */
export interface RunProtocol {
  readonly name: string;
  readonly receiver: 'ingester' | 'webhook';
  /** Undefined with the real Genesys Cloud. */
  readonly cloud: Cloud | undefined;
  readonly account: ProtocolAccount;
}
