import type { SwitchboardProps } from './switchboard-props.ts';

/** Whether events are received over WebSockets. */
export function hasIngester({ topics, protocols = {} }: SwitchboardProps): boolean {
  return topics.length > 0 || Object.values(protocols).some((one) => one !== undefined);
}

/** Whether the backfill fills gaps of the ingester. With a partner event source it does if the user asks for it. */
export function fillsGaps(props: SwitchboardProps): boolean {
  const { backfill = props.partnerEventSource === undefined } = props;
  return hasIngester(props) && backfill !== false;
}
