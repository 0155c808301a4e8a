import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { PERSONAL_DATA } from 'switchboard-local/simulator/personal-data.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ContentRules } from '../../lib/events/content-rules.ts';
import { valuesIn } from '../end-to-end/personal-data-scan.ts';
import { AT_ONCE, LocalBackfill, type LocalCloud, startCloud } from './local-backfill.ts';

const STRUCTURAL: ContentRules = { preset: 'structural', rules: [] };
const TOPICS = [
  'v2.users.{id}.presence',
  'v2.detail.events.conversation.{id}.user.start',
  'v2.detail.events.conversation.{id}.customer.start',
  'v2.detail.events.conversation.{id}.wrapup',
  'v2.users.{id}.conversations',
  'v2.routing.queues.{id}.conversations',
];

let cloud: LocalCloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.simulator.close());

/** Emits events to nobody. @returns the gap */
function outage() {
  const fromMs = Date.now() - 5_000;
  const generator = new Generator(cloud.simulator, { seed: 3, topics: GENERATED_TOPICS });
  for (let n = 0; n < 6_000; n++) cloud.simulator.emit(generator.next());
  return { fromMs, toMs: Date.now() + 60_000 };
}

/** What a backfill with this redaction sends, and everything that it writes. */
async function filled({ fromMs, toMs }: { fromMs: number; toMs: number }, redaction?: ContentRules) {
  const local = await LocalBackfill.start(cloud);
  const gapId = await local.recordGap(fromMs, toMs, TOPICS);
  const report = await local.fill(gapId, AT_ONCE, redaction);
  const results = await local.store.filledGaps();
  return { report, sent: local.sent, written: JSON.stringify([local.sent, local.log.lines, results]) };
}

function personalDataIn(text: string): string[] {
  const values = new Map(Object.entries(PERSONAL_DATA).map(([name, value]) => [name, String(value)]));
  return [...valuesIn(Buffer.from(text), values)];
}

test('Recovered events are sent without the redacted content, and with the same ids', async () => {
  const gap = outage();
  const plain = await filled(gap);
  expect(personalDataIn(plain.written)).toEqual(expect.arrayContaining(['customerName', 'note']));
  const redacted = await filled(gap, STRUCTURAL);
  expect(redacted.report.closed).toHaveLength(1);
  expect(personalDataIn(redacted.written)).toEqual([]);
  const ids = (sent: typeof plain.sent) =>
    sent.filter(({ weak }) => !weak).map(({ id, frame }) => `${frame.topicName} ${id}`);
  expect(ids(redacted.sent).length).toBeGreaterThan(100);
  expect(ids(redacted.sent)).toEqual(ids(plain.sent));
});
