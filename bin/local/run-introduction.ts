import { faultWarnings } from './fault-conflicts.ts';
import { ProgressDisplay } from './progress-display.ts';
import { NAMES } from './resources.ts';
import type { RunDelivery } from './run-delivery.ts';
import type { RunParts } from './run-summary.ts';

/** Shows where everything is, and the first events on the bus. `genesys`: the real domain, or a URL. */
export function showIntroduction(
  { options, pipeline, protocols, delivery }: RunParts,
  display: ProgressDisplay,
  genesys: string,
): void {
  const { healthPort, address } = pipeline.ingester;
  const isSimulated = protocols.every(({ cloud }) => cloud !== undefined);
  const names = protocols.map(({ name }) => name);
  for (const warning of faultWarnings(options.faults, names)) display.warn(warning);
  display.heading('Switchboard is running on this machine');
  display.table([
    ['Genesys Cloud', `${genesys} (${isSimulated ? 'simulated' : 'real'})`],
    ...(names.length > 1 ? [['protocols', names.join(', ')] as const] : []),
    ['AWS', `${pipeline.emulatorUrl} (local)`],
    ['event bus', NAMES.bus],
    ['events queue', NAMES.eventsQueue],
    ...(protocols.some(({ receiver }) => receiver === 'ingester')
      ? [['ingester', ingesterAddress(healthPort)] as const]
      : []),
    ...(address === undefined ? [] : [['webhook', address] as const]),
    ...(delivery === undefined ? [] : deliveryRows(delivery, options.deliver === true)),
  ]);
  display.line('Press Ctrl-C to drain the pipeline and print the result.\n');
  let shown = 0;
  const stop = pipeline.emulator.eventbridge.onEvent(({ busName, event }) => {
    if (busName !== NAMES.bus) return;
    display.sample(event);
    if (++shown === ProgressDisplay.sampleEvents) stop();
  });
}

function deliveryRows({ url, signingKey }: RunDelivery, isBuiltIn: boolean): (readonly [string, string])[] {
  const table = ['state table', NAMES.stateTable] as const;
  if (isBuiltIn) return [table, ['delivery', `${url} (built-in receiver)`]];
  return [table, ['delivery', url], ['signing key', `${signingKey} (Standard Webhooks, of this run)`]];
}

function ingesterAddress(healthPort: number | undefined): string {
  return healthPort === undefined
    ? 'a process of its own'
    : `http://127.0.0.1:${healthPort}/healthz and /metrics`;
}
