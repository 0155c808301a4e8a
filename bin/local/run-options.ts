import type { LogLevel } from '../../lib/aws/logger.ts';
import type { AuditLevel } from '../../lib/events/audit-record.ts';
import type { FaultChoice } from './fault-options.ts';

/** Options of `switchboard local`. */
export interface LocalOptions {
  events?: number;
  rate: number;
  faults: FaultChoice;
  seed: number;
  exit: boolean;
  json: boolean;
  /** A key of `PROTOCOL_CLOUDS`, or `all`. */
  protocol: string;
  replay?: string;
  /** Infinity for no pauses. */
  speed?: number;
  pick?: string;
  controlFrames?: boolean;
  topics?: string[];
  users: number;
  queues: number;
  tokenLife: number;
  channelLife: number;
  healthPort: number;
  audit: AuditLevel;
  auditFile?: string;
  /** URL to deliver events to; true for the built-in receiver. */
  deliver?: string | true;
  /** Maximum number of deliveries per second. */
  deliverRate?: number;
  /** Whether the events of a conversation are delivered in their order. Default false. */
  deliverOrdered?: boolean;
  /** Tasks of the ingester. Default 1. */
  tasks?: number;
  logLevel: LogLevel;
  /** A valid value of the variable `REDACTION`. */
  redaction?: string;
}
