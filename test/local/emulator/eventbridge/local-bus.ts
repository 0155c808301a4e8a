import type { JsonObject } from 'switchboard-local/emulator/emulated-service.ts';
import { EventBridge } from 'switchboard-local/emulator/eventbridge/eventbridge.ts';
import type { DeliveryFailure } from 'switchboard-local/emulator/eventbridge/rule-delivery.ts';

export const REGION = 'eu-central-1';
export const ACCOUNT = '123456789012';

/** ARN of a queue in the tests' region and account. */
export function queueArn(name: string): string {
  return `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
}

/** An EventBridge whose queues are lists. A queue that is not in `queues` refuses messages. */
export function startEventBridge(queues: string[] = ['queue']) {
  const messages = new Map<string, string[]>(queues.map((name) => [queueArn(name), []]));
  const failures: DeliveryFailure[] = [];
  const service = new EventBridge({
    region: REGION,
    accountId: ACCOUNT,
    deliverToQueue: (arn, body) => {
      const queue = messages.get(arn);
      if (queue === undefined) throw new Error(`no queue ${arn}`);
      queue.push(body);
    },
    onDeliveryFailure: (failure) => failures.push(failure),
  });
  return {
    service,
    failures,
    /** Calls an action. Its errors become rejections. */
    call: async (action: string, input: JsonObject = {}): Promise<JsonObject> =>
      (await service.actions[action]?.(input)) ?? {},
    received: (name = 'queue') => messages.get(queueArn(name)) ?? [],
  };
}

/** A valid entry with changes; `undefined` removes a member. */
export function entry(changes: JsonObject = {}): JsonObject {
  return {
    Source: 'genesys.cloud',
    DetailType: 'v2.users.{id}.presence',
    Detail: '{"topicName":"v2.users.1.presence"}',
    ...changes,
  };
}
