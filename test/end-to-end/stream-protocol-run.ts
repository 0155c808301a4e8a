import { setTimeout as delay } from 'node:timers/promises';
import { type Child, lastLine, switchboard } from './child.ts';

const POLL_INTERVAL_MS = 100;
const HEALTH = /(http:\/\/127\.0\.0\.1:\d+)\/healthz/;

/** Protocols other than the default, which `all-faults.long.ts` runs. */
export const STREAM_PROTOCOLS = [
  'analytics-events',
  'conversation-stream',
  'interaction-events',
  'notification-stream',
];

/**
 * A run of a protocol with every log line, while its health and its metrics are asked for: the scan for secrets searches
 * all of them. Returns the exit code, the result and the numbers of health answers.
 */
export async function runProtocol(protocol: string, flags: readonly string[]) {
  const run = switchboard([
    'local',
    '--protocol',
    protocol,
    ...flags,
    '--exit',
    '--json',
    '--health-port',
    '0',
    '--log-level',
    'debug',
  ]);
  const [{ code, stdout, stderr }, answers] = await Promise.all([run.ended, pollHealth(run)]);
  return { code, result: lastLine(stdout), stderr, answers };
}

/** Returns the number of answers when the run is over. */
async function pollHealth(run: Child): Promise<number> {
  let isOver = false;
  void run.ended.finally(() => {
    isOver = true;
  });
  await run.printed(HEALTH);
  const [, url = ''] = HEALTH.exec(run.stderr) ?? [];
  let answers = 0;
  while (!isOver) {
    for (const path of ['/healthz', '/metrics'])
      await fetch(`${url}${path}`).then(
        async (answer) => {
          await answer.text();
          answers++;
        },
        // The process is ending.
        () => undefined,
      );
    await delay(POLL_INTERVAL_MS);
  }
  return answers;
}
