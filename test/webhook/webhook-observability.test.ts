import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WEBHOOK_METRICS } from '../../lib/aws/metric-names.ts';
import { delivery, LocalWebhook, OTHER_SECRET, SECRET, sign } from './local-webhook.ts';

let webhook: LocalWebhook;
let lines: string[];

beforeEach(async () => {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  lines = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      lines.push(...String(chunk).split('\n').filter(Boolean));
      return true;
    });
  }
  webhook = await LocalWebhook.create({ logLevel: 'DEBUG' });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await webhook.close();
});

type Emf = { _aws: { CloudWatchMetrics: { Metrics: { Name: string; Unit: string }[] }[] }; service: string };

/** Metrics of the last request. */
function lastMetrics(): { names: string[]; service: string } {
  const documents = lines.flatMap((line) => (line.includes('"_aws"') ? (JSON.parse(line) as Emf) : []));
  const { _aws, service } = documents.at(-1)!;
  const names = _aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));
  return { names, service };
}

test('Each request counts once, by its outcome, and has a latency', async () => {
  const body = delivery();
  const requests: [string, () => Promise<unknown>][] = [
    ['EventsAccepted', () => webhook.send(body)],
    ['FramesRejected', () => webhook.send('{}')],
    ['SignaturesMissing', () => webhook.send(body, { signature: null })],
    ['SignaturesRejected', () => webhook.send(body, { signature: 'wrong' })],
    ['BodiesNotJson', () => webhook.send('no')],
    ['BodiesTooLarge', () => webhook.send('x'.repeat(1_000_000))],
    ['MethodsRefused', () => webhook.send(body, { method: 'GET' })],
    [
      'RequestsFailed',
      () => {
        webhook.faults.next('throttle', 'AmazonSQS.SendMessage');
        return webhook.send(body);
      },
    ],
  ];
  expect([...requests.map(([name]) => name), 'ResponseLatency'].sort()).toEqual(
    Object.keys(WEBHOOK_METRICS).sort(),
  );
  for (const [name, request] of requests) {
    await request();
    expect(lastMetrics()).toEqual({ names: [name, 'ResponseLatency'], service: 'webhook' });
  }
});

test('Logs contain no secret, no signature and no body', async () => {
  const body = delivery({ eventBody: { customer: 'Jane Roe' } });
  await webhook.send(body);
  await webhook.send(body, { signature: sign(body, OTHER_SECRET) });
  await webhook.send('{"customer":"Jane Roe"}');
  webhook.faults.next('server_error', 'AmazonSQS.SendMessage');
  await webhook.send(body);
  const logged = lines.join('\n');
  expect(logged).toContain('a request has a wrong signature');
  expect(logged).toContain('a delivery was not accepted');
  for (const text of [SECRET, sign(body), sign(body, OTHER_SECRET), 'Jane Roe'])
    expect(logged).not.toContain(text);
});
