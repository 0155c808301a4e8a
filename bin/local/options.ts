import { statSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_TOPICS } from 'switchboard-local/simulator/generator.ts';
import { LOG_LEVELS, type LogLevel } from '../../lib/aws/logger.ts';
import { topicProblems } from '../../lib/genesys/configured-topics.ts';
import { GENESYS_DOMAINS, isGenesysDomain } from '../../lib/genesys/regions.ts';
import { ALL_FAULTS, type FaultChoice, parseFaults } from './faults.ts';

/** Largest values of flags; beyond them this machine's numbers mean nothing. */
const EVENTS_LIMIT = 10_000_000;
const RATE_LIMIT = 50_000;
const SPEED_LIMIT = 100_000;
const LIFE_LIMIT_SECONDS = 172_800;

/** What `switchboard local` was asked to do. */
export interface LocalOptions {
  events?: number;
  rate: number;
  faults: FaultChoice;
  seed: number;
  exit: boolean;
  json: boolean;
  replay?: string;
  speed?: number;
  topics?: string[];
  users: number;
  queues: number;
  tokenLife: number;
  channelLife: number;
  healthPort: number;
  logLevel: LogLevel;
}

/** Where the real Genesys Cloud is and who we are there, when the environment says so. */
export interface RealGenesys {
  domain: string;
  clientId: string;
  clientSecret: string;
}

/** A number within limits, or a refusal that names them. */
export function number(min: number, max: number, { whole = true } = {}) {
  return (text: string): number => {
    const value = Number(text);
    if (
      text.trim() === '' ||
      !Number.isFinite(value) ||
      value < min ||
      value > max ||
      (whole && !Number.isInteger(value))
    ) {
      throw new InvalidArgumentError(`Give a ${whole ? 'whole ' : ''}number from ${min} to ${max}.`);
    }
    return value;
  };
}

function faults(text: string): FaultChoice {
  try {
    return parseFaults(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function topics(text: string): string[] {
  const list = text.split(',').flatMap((topic) => topic.trim() || []);
  const problems = list.length === 0 ? ['name at least one topic'] : topicProblems(list);
  if (problems.length > 0) throw new InvalidArgumentError(problems.join('; '));
  return list;
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text.toUpperCase());
  if (!level) throw new InvalidArgumentError(`Use one of ${LOG_LEVELS.join(', ').toLowerCase()}.`);
  return level;
}

/** The flags of `switchboard local`. */
export function localCommand(run: (options: LocalOptions) => Promise<void>): Command {
  const local: Command = new Command('local').description(
    'Run the whole way of an event on this machine: Genesys Cloud (simulated, or the real one), ingester, local AWS, consumer, bus.',
  );
  addPlayFlags(local);
  addCloudFlags(local);
  return local
    .option(
      '--exit',
      'end when all events have been sent and have reached the bus; needs --events or --replay',
      false,
    )
    .option(
      '--json',
      'print the result as one JSON object on standard output, progress on standard error',
      false,
    )
    .option(
      '--health-port <n>',
      "port of the ingester's /healthz and /metrics; 0 takes a free one",
      number(0, 65_535),
      3001,
    )
    .option(
      '--log-level <level>',
      `structured logs, warnings and errors on standard error: ${LOG_LEVELS.join(', ').toLowerCase()}`,
      logLevel,
      'SILENT',
    )
    .action(async (options: LocalOptions) => {
      const [problem] = contradictions(options);
      if (problem) local.error(`error: ${contradictions(options).join('; ')}`);
      await run(options);
    });
}

/** What is played, and what goes wrong meanwhile. */
function addPlayFlags(local: Command): void {
  local
    .option(
      '--events <n>',
      'stop the simulated cloud after so many events (default: it goes on)',
      number(1, EVENTS_LIMIT),
    )
    .option('--rate <n>', 'events a second', number(0.1, RATE_LIMIT, { whole: false }), 20)
    .addOption(
      new Option('--faults <kinds>', `all, none, or a comma-separated list of ${ALL_FAULTS.join(', ')}`)
        .argParser(faults)
        .default(parseFaults('none'), 'none'),
    )
    .option(
      '--seed <n>',
      'seed of the events and of the order of faults; when faults strike depends on timing too',
      number(0, 2 ** 32 - 1),
      1,
    )
    .option(
      '--replay <file>',
      'play a recorded capture: one JSON a line, each a notification frame or an EventBridge event',
    )
    .option(
      '--speed <n>',
      'with --replay: times faster than recorded (default: 1)',
      number(0.01, SPEED_LIMIT, { whole: false }),
    );
}

/** The Genesys Cloud that is simulated. */
function addCloudFlags(local: Command): void {
  local
    .option(
      '--topics <list>',
      `comma-separated topics, {id} stands for every user or queue (default: ${DEFAULT_TOPICS.join(',')})`,
      topics,
    )
    .option('--users <n>', 'users of the simulated cloud', number(1, 5_000), 20)
    .option('--queues <n>', 'queues of the simulated cloud', number(1, 2_000), 5)
    .option(
      '--token-life <seconds>',
      'life of an access token of the simulated cloud',
      number(10, LIFE_LIMIT_SECONDS),
      86_400,
    )
    .option(
      '--channel-life <seconds>',
      'life of a channel of the simulated cloud',
      number(10, LIFE_LIMIT_SECONDS),
      86_400,
    );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Flags that make no sense together. */
function contradictions(options: LocalOptions): string[] {
  const { exit, events, replay, speed, json, logLevel: level } = options;
  return [
    ...(exit && events === undefined && replay === undefined
      ? ['--exit needs an end: give --events or --replay too']
      : []),
    ...(events !== undefined && replay !== undefined
      ? ['--events and --replay exclude each other: a capture has its own number of events']
      : []),
    ...(speed !== undefined && replay === undefined
      ? ['--speed is for --replay: the simulated cloud has --rate']
      : []),
    ...(replay !== undefined && !isFile(replay) ? [`--replay ${replay}: there is no such file`] : []),
    ...(json && level !== 'SILENT'
      ? ['--json and --log-level would mix on standard output: leave one out']
      : []),
  ];
}

/**
 * Refuse flags that play events or faults when the real Genesys Cloud is connected to: it plays its own.
 *
 * @throws Error that names them
 */
export function refuseSimulation({ events, replay, exit, faults: chosen }: LocalOptions): void {
  const flags = [
    ...(events === undefined ? [] : ['--events']),
    ...(replay === undefined ? [] : ['--replay']),
    ...(exit ? ['--exit'] : []),
    ...(chosen.cloud.length > 0 ? ['--faults of Genesys Cloud'] : []),
  ];
  if (flags.length === 0) return;
  throw new Error(
    `${flags.join(', ')}: for the simulated Genesys Cloud only, and GENESYS_DOMAIN, GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET name the real one; unset them (or leave the flags out)`,
  );
}

/**
 * The real Genesys Cloud, when the environment names it; undefined when it names nothing of it.
 *
 * @throws Error that lists what is missing or wrong
 */
export function realGenesys(
  environment: Readonly<Record<string, string | undefined>>,
): RealGenesys | undefined {
  const { GENESYS_DOMAIN, GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET } = environment;
  const given = { GENESYS_DOMAIN, GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET };
  const missing = Object.entries(given).flatMap(([name, value]) => (value ? [] : name));
  if (missing.length === Object.keys(given).length) return undefined;
  const problems = missing.map((name) => `${name} is not set`);
  if (GENESYS_DOMAIN && !isGenesysDomain(GENESYS_DOMAIN)) {
    problems.push(
      `GENESYS_DOMAIN ${GENESYS_DOMAIN} is no Genesys Cloud region; it is one of ${GENESYS_DOMAINS.join(', ')}`,
    );
  }
  if (problems.length > 0) {
    throw new Error(
      `To connect to the real Genesys Cloud, set GENESYS_DOMAIN, GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET; for the simulated one, set none of them:\n${problems.map((one) => `  - ${one}`).join('\n')}`,
    );
  }
  return {
    domain: GENESYS_DOMAIN ?? '',
    clientId: GENESYS_CLIENT_ID ?? '',
    clientSecret: GENESYS_CLIENT_SECRET ?? '',
  };
}
