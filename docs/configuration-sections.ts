import type * as z from 'zod';
import { backfillEnvironment } from '../functions/backfill/backfill-config.ts';
import { consumerEnvironment } from '../functions/consumer/consumer-config.ts';
import { deliveryEnvironment } from '../functions/delivery/delivery-config.ts';
import { orderEnvironment } from '../functions/delivery-order/order-config.ts';
import { ingesterEnvironment } from '../functions/ingester/ingester-environment.ts';
import { PROTOCOLS } from '../functions/ingester/protocols/registry.ts';
import { webhookEnvironment } from '../functions/webhook/webhook-config.ts';

/** A section of the configuration reference: a title and a schema with one member per environment variable. */
export type EnvironmentSection = readonly [
  title: string,
  schema: { readonly shape: Readonly<Record<string, z.ZodType>> },
];

/** The sections with environment variables. */
export function environmentSections(): EnvironmentSection[] {
  return [
    ['Environment variables of the ingester', ingesterEnvironment],
    ...PROTOCOLS.map(
      ({ name, configuration }): EnvironmentSection => [
        `Environment variables of the protocol ${name}`,
        configuration,
      ],
    ),
    ['Environment variables of the consumer', consumerEnvironment],
    ['Environment variables of the webhook', webhookEnvironment],
    ['Environment variables of the delivery', deliveryEnvironment],
    ['Environment variables of the order function of a delivery', orderEnvironment],
    ['Environment variables of the backfill', backfillEnvironment],
  ];
}
