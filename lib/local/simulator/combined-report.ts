import { LatencyHistogram } from './latency-histogram.ts';
import type { Ledger, LedgerReport } from './ledger.ts';

const MAX_REPORTED_KEYS = 20;

/** The report of several ledgers as if they were one. */
export function combinedReport(ledgers: readonly Ledger[]): LedgerReport {
  const reports = ledgers.map((ledger) => ledger.report());
  const sum = (count: (report: LedgerReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const latency = (of: (ledger: Ledger) => LatencyHistogram) =>
    ledgers.reduce((all, ledger) => all.add(of(ledger)), new LatencyHistogram()).summary();
  return {
    sent: sum(({ sent }) => sent),
    uncovered: sum(({ uncovered }) => uncovered),
    unproven: sum(({ unproven }) => unproven),
    published: sum(({ published }) => published),
    repeated: sum(({ repeated }) => repeated),
    lost: sum(({ lost }) => lost),
    lostKeys: reports.flatMap(({ lostKeys }) => lostKeys).slice(0, MAX_REPORTED_KEYS),
    publishedTwice: sum(({ publishedTwice }) => publishedTwice),
    publishedTwiceWeak: sum(({ publishedTwiceWeak }) => publishedTwiceWeak),
    publishedTwiceUnknown: sum(({ publishedTwiceUnknown }) => publishedTwiceUnknown),
    unexpected: sum(({ unexpected }) => unexpected),
    uncoveredSpans: reports.flatMap(({ uncoveredSpans }) => uncoveredSpans),
    latencyMs: latency((ledger) => ledger.latency),
    latencyStalledMs: latency((ledger) => ledger.latencyStalled),
  };
}
