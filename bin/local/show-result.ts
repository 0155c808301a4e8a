import type { LocalResult, PrintedResult } from './local-result.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { LossByTopic } from './run-summary.ts';
import { type Judged, problemsOf, verdictLines } from './verdict.ts';

/** The line that `--json` prints. */
export function resultLine(judged: Judged, seed: number): string {
  const printed: PrintedResult = { seed, ...judged.result, problems: problemsOf(judged) };
  return `${JSON.stringify(printed)}\n`;
}

/** Prints the result as text. */
export function showResult(
  display: ProgressDisplay,
  judged: Judged,
  lostByTopic: readonly LossByTopic[],
): void {
  const { result } = judged;
  display.line();
  if (result.replay) for (const line of replayLines(result.replay)) display.line(line);
  display.heading('Result: events sent by Genesys Cloud and events on the bus');
  display.table(resultRows(result));
  if (result.protocols) {
    display.line();
    display.columns(protocolRows(result.protocols));
  }
  for (const { topic, events } of lostByTopic) display.warn(`Lost: ${events} of ${topic}`);
  showVerdict(display, judged);
}

/** Prints whether the run succeeded, and why not. */
export function showVerdict(display: ProgressDisplay, judged: Judged): void {
  const { isSound, lines } = verdictLines(judged);
  for (const line of lines) {
    if (isSound) display.success(line);
    else display.failure(line);
  }
}

/** A row per protocol, and the names of the columns. */
function protocolRows(protocols: NonNullable<LocalResult['protocols']>): string[][] {
  const rows = Object.entries(protocols).map(([name, one]) => [
    name,
    `${one.sent}`,
    `${one.published}`,
    `${one.lost}`,
    `${one.publishedTwice}`,
    `${one.uncovered + one.unproven}`,
    `${one.unexplained}`,
    `${one.latencyMs.p99}`,
  ]);
  return [['protocol', 'sent', 'on bus', 'lost', 'twice', 'missed', 'unexplained', 'p99 ms'], ...rows];
}

function replayLines(replay: NonNullable<LocalResult['replay']>): string[] {
  const { played, lines, nonFrames, skipped, controlFrames, failed, repeated } = replay;
  return [
    `Replayed ${played} of ${lines} lines (${nonFrames} are not frames); skipped ${skipped} that are not JSON.`,
    ...(controlFrames > 0 ? [`Heartbeats, replies and system messages: ${controlFrames}.`] : []),
    ...(failed > 0 ? [`Not played: ${failed}.`] : []),
    ...(repeated > 0 ? [`Dropped because they equal another line: ${repeated}.`] : []),
    ...(replay.interrupted ? ['The replay was interrupted before the last line.'] : []),
  ];
}

/** Events that Genesys Cloud does not return afterwards, by topic. */
function unrecoverableText({ unrecoverable }: LocalResult): string {
  const topics = Object.entries(unrecoverable).toSorted(([, a], [, b]) => b - a);
  const total = topics.reduce((sum, [, count]) => sum + count, 0);
  const list = topics.map(([topic, count]) => `${topic} ${count}`).join(', ');
  return total === 0 ? '0' : `${total} (${list})`;
}

function deliveryRows({ delivery }: LocalResult): [name: string, value: string][] {
  if (!delivery) return [];
  const { delivered, deadLettered, twice, twiceUnknown, missing, calls } = delivery;
  const { outOfOrder, outOfOrderDelayed } = delivery;
  const reasons = Object.entries(deadLettered).map(([reason, count]) => `${reason}: ${count}`);
  return [
    ['delivered', `${delivered} with ${calls} calls`],
    ['not delivered', `${missing} missing; dead-lettered: ${reasons.join(', ') || 'none'}`],
    ['delivered twice', `${twice} (plus ${twiceUnknown} after an unknown outcome)`],
    ...(outOfOrder === undefined
      ? []
      : [
          [
            'out of order',
            `${outOfOrder} (plus ${outOfOrderDelayed} because an earlier one was delayed by a fault)`,
          ] satisfies [string, string],
        ]),
  ];
}

function resultRows(result: LocalResult): [name: string, value: string][] {
  const faults = Object.entries(result.faults).filter(([, count]) => count > 0);
  const { latencyMs, latencyStalledMs } = result;
  return [
    ['sent', `${result.sent}`],
    ['published', `${result.published} (${result.eventsPerSecond} per second)`],
    ['lost', `${result.lost}`],
    [
      'published twice',
      `${result.publishedTwice} (plus ${result.publishedTwiceUnknown} after an injected unknown outcome, ${result.publishedTwiceWeak} with a weak identity)`,
    ],
    ['duplicates', `${result.duplicates} dropped`],
    ['quarantined', `${result.quarantined}`],
    ['dead-lettered', `${result.deadLettered}`],
    [
      'uncovered',
      `${result.uncovered} (no live connection; gaps recorded: ${result.gapRecords}, ${result.gapSeconds} s)`,
    ],
    ...(result.wrongProtocol > 0
      ? [['wrong protocol', `${result.wrongProtocol}`] satisfies [string, string]]
      : []),
    ['unproven', `${result.unproven} (sent on connections that were cut off)`],
    ['recovered', `${result.recovered} (after a gap, flagged)`],
    ['unrecoverable', unrecoverableText(result)],
    ['unexplained', `${result.unexplained} (in no gap record, or neither recovered nor unrecoverable)`],
    ['latency', `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms`],
    [
      'latency, stalled',
      `p99 ${latencyStalledMs.p99} ms (events stalled by a fault: ${latencyStalledMs.count})`,
    ],
    ...deliveryRows(result),
    ['faults', faults.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'],
  ];
}
