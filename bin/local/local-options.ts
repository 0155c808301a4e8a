import { statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { WEBHOOK_PROTOCOL } from '../../functions/webhook/delivered-event.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import { AUDIT_LEVELS } from '../../lib/events/audit-record.ts';
import { NATIVE_PROTOCOL } from '../../lib/events/native-event.ts';
import { STANDARD_INPUT } from './capture-file.ts';
import { faultConflicts } from './fault-conflicts.ts';
import { ALL_FAULTS, NOT_IN_ALL, parseFaults, RECEIVER_PREFIX } from './fault-options.ts';
import {
  deliveryUrl,
  faultChoice,
  logLevel,
  number,
  redaction,
  replaySpeed,
  topicList,
} from './flag-values.ts';
import { PROTOCOL_CLOUDS } from './protocol-clouds.ts';
import { ALL_PROTOCOLS, protocolsOf } from './protocol-shares.ts';
import type { LocalOptions } from './run-options.ts';

const DEFAULT_PROTOCOL = 'notification-channels';
/** Protocols whose events have topics. */
const TOPIC_PROTOCOLS: readonly string[] = [DEFAULT_PROTOCOL, WEBHOOK_PROTOCOL, NATIVE_PROTOCOL];
// Above these limits, results from a single machine are not meaningful.
const MAX_EVENTS = 10_000_000;
const MAX_EVENTS_PER_SECOND = 50_000;
const MAX_LIFE_SECONDS = 172_800;
const MAX_TASKS = 4;

/** The command `switchboard local`. */
export function localCommand(run: (options: LocalOptions) => Promise<void>): Command {
  const local: Command = new Command('local').description(
    'Run the complete pipeline on this machine: Genesys Cloud (simulated or real), ingester, local AWS, consumer and event bus.',
  );
  addEventOptions(local);
  addCloudOptions(local);
  return local
    .option('--exit', 'exit when all events are sent and published; requires --events or --replay', false)
    .option('--json', 'print the result as one JSON object to stdout, and progress to stderr', false)
    .option(
      '--health-port <n>',
      'port of /healthz and /metrics of the ingester; 0 selects a free port',
      number(0, 65_535),
      3001,
    )
    .addOption(new Option('--audit <records>', 'audit records to write').choices(AUDIT_LEVELS).default('off'))
    .option('--audit-file <file>', 'file for the audit records, one JSON object per line; requires --audit')
    .option(
      '--redaction <rules>',
      'what is redacted before an event is sent: structural, or JSON as in the variable REDACTION',
      redaction,
    )
    .option(
      '--deliver [url]',
      'deliver the events on the bus to a URL; without a URL, to the built-in receiver, which injects faults and checks what it receives',
      deliveryUrl,
    )
    .option(
      '--deliver-rate <n>',
      'maximum number of deliveries per second; requires --deliver',
      number(0.01, MAX_EVENTS_PER_SECOND, { whole: false }),
    )
    .option(
      '--deliver-ordered',
      'deliver the events of a conversation in their order, through an SQS FIFO queue; requires --deliver',
      false,
    )
    .option(
      '--tasks <n>',
      'tasks of the ingester, each a process with its own connections: one leads, the others are standbys; ingester_kill kills the leader',
      number(1, MAX_TASKS),
      1,
    )
    .addOption(
      new Option(
        '--log-level <level>',
        `level of the structured logs (warnings and errors go to stderr, with --json all): ${LOG_LEVELS.join(', ').toLowerCase()}`,
      )
        .argParser(logLevel)
        .default('SILENT', 'silent'),
    )
    .action(async (options: LocalOptions) => {
      const conflicts = conflictsOf(options);
      if (conflicts.length > 0) local.error(`error: ${conflicts.join('; ')}`);
      await run(options);
    });
}

/** Options for the events and the injected faults. */
function addEventOptions(local: Command): void {
  local
    .option(
      '--events <n>',
      'number of events that the simulated cloud sends (default: unlimited)',
      number(1, MAX_EVENTS),
    )
    .option('--rate <n>', 'events per second', number(0.1, MAX_EVENTS_PER_SECOND, { whole: false }), 20)
    .addOption(
      new Option('--faults <kinds>', faultsHelp())
        .argParser(faultChoice)
        .default(parseFaults('none'), 'none'),
    )
    .option(
      '--seed <n>',
      'seed for the events and the order of the faults; the time of a fault also depends on timing',
      number(0, 2 ** 32 - 1),
      1,
    )
    .option(
      '--replay <file>',
      'replay a capture: one JSON object per line, each a notification frame or an EventBridge event; .gz is decompressed, - is standard input',
    )
    .option(
      '--speed <n>',
      'replay speed relative to the recording, or max for no pauses; requires --replay (default: 1)',
      replaySpeed,
    )
    .option('--pick <path>', 'where the frame is in each line, such as a.b.c; requires --replay')
    .option('--control-frames', 'also replay recorded heartbeats, replies and system messages', false);
}

function faultsHelp(): string {
  const excluded = Object.keys(NOT_IN_ALL);
  const except = excluded.length > 0 ? ` (all but ${excluded.join(', ')})` : '';
  return `faults to inject: all${except}, none, or a comma-separated list of ${ALL_FAULTS.join(', ')}`;
}

/** Options for the topics and the simulated Genesys Cloud. */
function addCloudOptions(local: Command): void {
  local
    .addOption(
      new Option(
        '--protocol <name>',
        `protocol by which the simulated cloud sends events; ${ALL_PROTOCOLS}: every protocol side by side, each with an equal share of --events and --rate`,
      )
        .choices([...Object.keys(PROTOCOL_CLOUDS), ALL_PROTOCOLS])
        .default(DEFAULT_PROTOCOL),
    )
    .option(
      '--topics <list>',
      `comma-separated topics; {id} stands for every user or queue (default: ${DEFAULT_TOPICS.join(', ')})`,
      topicList,
    )
    .option('--users <n>', 'number of users in the simulated cloud', number(1, 5_000), 20)
    .option('--queues <n>', 'number of queues in the simulated cloud', number(1, 2_000), 5)
    .option(
      '--token-life <seconds>',
      'lifetime of access tokens in the simulated cloud',
      number(10, MAX_LIFE_SECONDS),
      86_400,
    )
    .option(
      '--channel-life <seconds>',
      'lifetime of channels in the simulated cloud',
      number(10, MAX_LIFE_SECONDS),
      86_400,
    );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function auditConflicts({ audit, auditFile }: LocalOptions): string[] {
  if ((audit === 'off') === (auditFile === undefined)) return [];
  return ['--audit connections or all requires --audit-file, and --audit-file requires one of them'];
}

function deliveryConflicts({ deliver, deliverRate, deliverOrdered, faults }: LocalOptions): string[] {
  const named = faults.receiver.filter((kind) => faults.named.includes(`${RECEIVER_PREFIX}${kind}`));
  return [
    ...(deliverRate !== undefined && deliver === undefined ? ['--deliver-rate requires --deliver'] : []),
    ...(deliverOrdered && deliver === undefined ? ['--deliver-ordered requires --deliver'] : []),
    ...(named.length > 0 && deliver !== true
      ? [`--faults ${named.map((kind) => RECEIVER_PREFIX + kind).join(',')} requires --deliver without a URL`]
      : []),
  ];
}

/** Problems with the combination of options. */
function conflictsOf(options: LocalOptions): string[] {
  const { exit, events, replay, speed, pick, controlFrames, protocol, topics } = options;
  const protocols = protocolsOf(options);
  return [
    ...faultConflicts(options.faults, protocols),
    ...auditConflicts(options),
    ...deliveryConflicts(options),
    ...(events !== undefined && events < protocols.length
      ? [`--events ${events}: --protocol ${protocol} runs ${protocols.length} protocols, each with an event`]
      : []),
    ...(exit && events === undefined && replay === undefined ? ['--exit requires --events or --replay'] : []),
    ...(events !== undefined && replay !== undefined
      ? ['--events and --replay are mutually exclusive: a capture has a fixed number of events']
      : []),
    ...(speed !== undefined && replay === undefined
      ? ['--speed requires --replay; use --rate for the simulated cloud']
      : []),
    ...(pick !== undefined && replay === undefined ? ['--pick requires --replay'] : []),
    ...(controlFrames && replay === undefined ? ['--control-frames requires --replay'] : []),
    ...(replay !== undefined && protocol !== DEFAULT_PROTOCOL
      ? [`--replay requires --protocol ${DEFAULT_PROTOCOL}`]
      : []),
    ...(topics !== undefined && !protocols.some((name) => TOPIC_PROTOCOLS.includes(name))
      ? [`--topics requires --protocol ${TOPIC_PROTOCOLS.join(' or ')}`]
      : []),
    ...(replay !== undefined && replay !== STANDARD_INPUT && !isFile(replay)
      ? [`--replay ${replay}: file not found`]
      : []),
  ];
}
