/**
 * Runs `npm start` with all faults and writes its output to `start.svg`, an animated picture of the terminal. Run it
 * with `npm run docs:recording`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { terminalSvg } from './terminal-svg.ts';

const COMMAND_LINE = join(import.meta.dirname, '../bin/switchboard.ts');
const FLAGS = '--events 2000 --rate 400 --faults all --seed 7 --exit --health-port 0';
const PROMPT = [
  '$ npm start -- --events 2000 --rate 400 --faults all --seed 7 --exit \\',
  '    --health-port 0',
];
const MAX_RUN_MS = 120_000;
/** A longer run is played back faster. */
const MAX_PLAYBACK_MS = 15_000;
const MAX_SVG_BYTES = 60_000;
/** Environment variables that would change the run. They are not inherited. */
const CONFIGURATION_VARIABLES = /^(AWS_|GENESYS_|POWERTOOLS_|NODE_OPTIONS|LOG_LEVEL|TOPICS|NO_COLOR)/;

interface RecordedLine {
  /** Time since the start of the process. */
  atMs: number;
  text: string;
}

/**
 * Runs the command line and records its output.
 *
 * @throws Error if it fails or takes too long
 */
async function record(): Promise<RecordedLine[]> {
  // A directory without a .env file.
  const directory = await mkdtemp(join(tmpdir(), 'switchboard-'));
  const inherited = Object.entries(process.env).filter(([name]) => !CONFIGURATION_VARIABLES.test(name));
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [COMMAND_LINE, 'local', ...FLAGS.split(' ')], {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), FORCE_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: MAX_RUN_MS,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const lines: RecordedLine[] = [];
  let rest = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const atMs = performance.now() - startedAtMs;
    const texts = `${rest}${chunk}`.split('\n');
    rest = texts.pop() ?? '';
    for (const text of texts) lines.push({ atMs, text });
  }
  const code = await ended;
  await rm(directory, { recursive: true });
  if (code !== 0) throw new Error(`The run ended with code ${code}. Nothing was written.`);
  return lines;
}

const recorded = await record();
const endMs = recorded.at(-1)?.atMs ?? 0;
const pace = Math.min(1, MAX_PLAYBACK_MS / endMs);
const svg = terminalSvg('Recording of npm start with all faults', [
  ...PROMPT.map((text) => ({ atMs: 0, text })),
  ...recorded.map(({ atMs, text }) => ({ atMs: atMs * pace, text })),
]);
if (Buffer.byteLength(svg) > MAX_SVG_BYTES) throw new Error(`The picture exceeds ${MAX_SVG_BYTES} bytes.`);
const file = join(import.meta.dirname, 'start.svg');
await writeFile(file, svg);
process.stdout.write(
  `Wrote docs/start.svg: ${recorded.length} lines, ${Math.round(endMs / 100) / 10} s, ${Buffer.byteLength(svg)} bytes.\n`,
);
