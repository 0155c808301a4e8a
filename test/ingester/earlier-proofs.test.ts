import { expect, test } from 'vitest';
import { PROOF_STALE_MS } from '../../functions/ingester/coverage.ts';
import { StartGaps } from '../../functions/ingester/start-gaps.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

const NOW_MS = 1_800_000_000_000;

test.each([
  ['notification-channels/0', [{ fromMs: NOW_MS, toMs: NOW_MS + 1_000 }]],
  ['analytics-events/0', [undefined]],
])(
  'After an upgrade, a proof of subscription 0 without a protocol begins the gap of %s: %j',
  async (key, gaps) => {
    const store = new MemoryCoverageStore();
    const proof = {
      task: 'earlier',
      subscription: '0',
      coveredUntilMs: NOW_MS,
      storedAtMs: NOW_MS,
      isFinal: true,
    };
    await store.putProof(proof);
    const starts = new StartGaps({ store, task: 'this', log: new TestLog(), staleMs: PROOF_STALE_MS });
    starts.add(key, NOW_MS + 1_000);
    const decisions = await starts.decide(false);
    expect(decisions.map(({ gap }) => gap)).toEqual(gaps);
  },
);
