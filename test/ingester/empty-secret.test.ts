import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { expect, test, vi } from 'vitest';
import { SecretEmptyError } from '../../functions/ingester/credentials.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { readConfig } from '../../functions/ingester/ingester-config.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger } from '../../lib/aws/logger.ts';

test.each(['v2.users.{id}.presence', 'v2.users.6f6b0d8a-6c1e-4a3e-9a53-0b6c1f3f21e1.presence'])(
  'With an empty secret and the topic %s the process is unhealthy with a reason until the secret is filled',
  async (topic) => {
    const simulator = new Simulator();
    const { url } = await simulator.listen();
    const emulator = new Emulator();
    emulator.sqs.createQueue('events');
    let filled = false;
    const config = readConfig({
      GENESYS_API_URL: url,
      GENESYS_LOGIN_URL: url,
      GENESYS_SECRET_ID: 'switchboard/genesys',
      TOPICS: topic,
      EVENTS_QUEUE_URL: 'http://127.0.0.1:1/000000000000/events',
      HEALTH_PORT: '0',
    });
    const ingester = new Ingester(config, {
      sqs: sqsClient({ region: 'us-east-1', requestHandler: emulator.requestHandler() }),
      credentials: [
        async () => {
          if (!filled) throw new SecretEmptyError('switchboard/genesys');
          return { clientId: 'simulator-client', clientSecret: 'simulator-secret' };
        },
      ],
      log: createLogger('test', 'SILENT'),
      limits: { secretPollMs: 10 },
    });
    const started = ingester.start();
    await vi.waitFor(
      async () => {
        const response = await fetch(`http://127.0.0.1:${ingester.healthPort}/healthz`);
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({
          ready: false,
          waitingFor: 'secret',
          reasons: expect.arrayContaining([
            expect.stringContaining('switchboard/genesys is empty or invalid'),
          ]),
        });
      },
      { timeout: 60_000 },
    );
    filled = true;
    await started;
    await vi.waitFor(() => expect(ingester.isCovered).toBe(true), { timeout: 60_000 });
    const healthy = await fetch(`http://127.0.0.1:${ingester.healthPort}/healthz`);
    expect(healthy.status).toBe(200);
    expect(await healthy.json()).not.toHaveProperty('waitingFor');
    await ingester.stop();
    await simulator.close();
    await emulator.close();
  },
);
