import type { Action, EmulatedService } from './emulated-service.ts';

/** CloudWatch for clients that send metrics: PutMetricData is accepted, and nothing is kept. */
export class CloudWatch implements EmulatedService {
  readonly targetPrefix = 'GraniteServiceVersion20100801';
  readonly contentType = 'application/x-amz-json-1.0';
  readonly actions: Readonly<Record<string, Action>> = { PutMetricData: () => undefined };
}
