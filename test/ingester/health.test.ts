import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import { type Health, type HealthServer, serveHealth } from '../../functions/ingester/health.ts';
import { noTotals } from '../../functions/ingester/intake-totals.ts';
import { ingesterMetrics, type MetricSources } from '../../functions/ingester/prometheus-metrics.ts';

const HOST = '127.0.0.1';
let server: HealthServer | undefined;
afterEach(() => server?.close());

async function serve(health: Health = { ready: true, live: true, reasons: [] }, registry = new Registry()) {
  server = await serveHealth({ host: HOST, port: 0 }, () => health, registry);
  return `http://${HOST}:${server.port}`;
}

describe('/healthz', () => {
  test.each([
    [true, true, 200],
    [true, false, 503],
    [false, true, 503],
    [false, false, 503],
  ])('A process that is ready: %s and live: %s responds with %i', async (ready, live, status) => {
    const health = { ready, live, reasons: ['because'], more: 1 };
    const response = await fetch(`${await serve(health)}/healthz?from=a-load-balancer`);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual(health);
  });

  test('Other paths are not found', async () => {
    const response = await fetch(`${await serve()}/`);
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('Not found. Available paths: /healthz, /metrics\n');
  });
});

describe('an address that cannot be used', () => {
  test('A port in use is an error with advice', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, HOST, resolve));
    const { port } = other.address() as AddressInfo;
    const serving = serveHealth(
      { host: HOST, port },
      () => ({ ready: true, live: true, reasons: [] }),
      new Registry(),
    );
    await expect(serving).rejects.toThrow(
      `The health endpoint's address ${HOST}:${port} is in use; set HEALTH_PORT (or --health-port) to a free port, or to 0`,
    );
    await new Promise((resolve) => other.close(resolve));
  });

  test('An address of another host is an error with its cause', async () => {
    const serving = serveHealth(
      { host: '192.0.2.1', port: 0 },
      () => ({ ready: true, live: true, reasons: [] }),
      new Registry(),
    );
    await expect(serving).rejects.toThrow(/192\.0\.2\.1:0 failed: .*EADDRNOTAVAIL/);
  });
});

describe('/metrics', () => {
  const rejected = {
    not_json: 3,
    invalid_utf8: 0,
    invalid_frame: 0,
    too_deep: 0,
    too_large: 1,
    refused_by_queue: 0,
  };
  const fake = {
    received: 10,
    copies: 2,
    filtered: 8,
    notices: { unknown_message: 12, new_field: 5, other: 1 },
    sequence: { gap: 1, late: 2, duplicate: 3, epoch: 4 },
    rejected,
    unpreserved: 1,
  };
  const sources: MetricSources = {
    intake: () => ({ ...fake, protocols: { quiet: noTotals(), fake } }),
    batcher: () => ({ itemsSent: 7, messagesSent: 3, calls: 5, failedCalls: 1, failedEntries: 4 }),
    failedUploads: () => 2,
    bufferedBytes: () => 123,
    isPaused: () => true,
    connections: () => 2,
    reconnects: () => [
      { protocol: 'fake', reason: 'start', count: 1 },
      { protocol: 'fake', reason: '1006', count: 4 },
    ],
    covered: () => [
      ['fake/0', true],
      ['other/0', false],
    ],
    coverage: () => ({ gaps: 6, gapSeconds: 1.5, complete: false, pendingRecords: 11 }),
    rejectedTopics: () => 9,
    role: () => ({
      role: 'standby' as const,
      lastChangeMs: 1_800_000_000_500,
      isLiveStandby: true,
      keptBytes: 77,
      bridgedSeconds: 2.5,
      takeovers: 8,
    }),
  };

  test('Metrics are Prometheus text by default', async () => {
    const response = await fetch(`${await serve(undefined, ingesterMetrics(sources))}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    const text = await response.text();
    for (const line of [
      'switchboard_events_received_total{protocol="quiet"} 0',
      'switchboard_events_received_total{protocol="fake"} 10',
      'switchboard_events_copies_total{protocol="fake"} 2',
      'switchboard_events_filtered_total{protocol="fake"} 8',
      'switchboard_notices_total{protocol="fake",about="unknown_message"} 12',
      'switchboard_notices_total{protocol="fake",about="new_field"} 5',
      'switchboard_sequence_outcomes_total{protocol="fake",outcome="gap"} 1',
      'switchboard_sequence_outcomes_total{protocol="fake",outcome="late"} 2',
      'switchboard_sequence_outcomes_total{protocol="fake",outcome="duplicate"} 3',
      'switchboard_sequence_outcomes_total{protocol="fake",outcome="epoch"} 4',
      'switchboard_frames_unpreserved_total{protocol="fake"} 1',
      'switchboard_leading 0',
      'switchboard_standby_live 1',
      'switchboard_role_changed_timestamp_seconds 1800000000.5',
      'switchboard_kept_bytes 77',
      'switchboard_bridged_seconds_total 2.5',
      'switchboard_takeovers_total 8',
      'switchboard_items_sent_total 7',
      'switchboard_messages_sent_total 3',
      'switchboard_send_calls_total 5',
      'switchboard_send_calls_failed_total 1',
      'switchboard_uploads_failed_total 2',
      'switchboard_send_entries_failed_total 4',
      'switchboard_gaps_total 6',
      'switchboard_gap_seconds_total 1.5',
      'switchboard_records_pending 11',
      'switchboard_buffer_bytes 123',
      'switchboard_paused 1',
      'switchboard_connections 2',
      'switchboard_covered 0',
      'switchboard_topics_rejected 9',
      'switchboard_frames_rejected_total{protocol="fake",reason="not_json"} 3',
      'switchboard_frames_rejected_total{protocol="fake",reason="too_large"} 1',
      'switchboard_connects_total{protocol="fake",reason="1006"} 4',
      'switchboard_subscription_covered{subscription="fake/0"} 1',
      'switchboard_subscription_covered{subscription="other/0"} 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });

  test('Metrics are JSON on request', async () => {
    const url = `${await serve(undefined, ingesterMetrics(sources))}/metrics`;
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    expect(response.headers.get('content-type')).toBe('application/json');
    const metrics = (await response.json()) as { name: string; values: { value: number }[] }[];
    expect(metrics.find(({ name }) => name === 'switchboard_events_received_total')?.values[1]?.value).toBe(
      10,
    );
  });

  test('Reading the metrics repeatedly does not change the counts', async () => {
    const url = `${await serve(undefined, ingesterMetrics(sources))}/metrics`;
    for (let n = 0; n < 3; n++)
      expect(await (await fetch(url)).text()).toMatch(
        /^switchboard_connects_total\{protocol="fake",reason="start"\} 1$/m,
      );
  });
});
