import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';

/** An EMF document. */
interface EmfDocument {
  _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][] }[] };
  [field: string]: unknown;
}

beforeEach(() => {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The documents that are written to standard output from now on. */
function keepDocuments(): EmfDocument[] {
  const documents: EmfDocument[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    documents.push(JSON.parse(String(chunk)) as EmfDocument);
    return true;
  });
  return documents;
}

describe('The metrics of a process', () => {
  test('Every document has the service and the deployment, also after one with a dimension of its own', () => {
    const documents = keepDocuments();
    const metrics = deploymentMetrics('ingester', 'Contact-Center');
    metrics.addDimension('protocol', 'fake');
    metrics.addMetric('EventsLate', 'Count', 1);
    metrics.publishStoredMetrics();
    metrics.addMetric('EventsReceived', 'Count', 2);
    metrics.publishStoredMetrics();
    expect(documents.map(({ _aws }) => _aws.CloudWatchMetrics[0])).toMatchObject([
      {
        Namespace: METRIC_NAMESPACE,
        Dimensions: [expect.arrayContaining(['service', 'deployment', 'protocol'])],
      },
      { Namespace: METRIC_NAMESPACE, Dimensions: [expect.arrayContaining(['service', 'deployment'])] },
    ]);
    expect(documents[1]?._aws.CloudWatchMetrics[0]?.Dimensions[0]).toHaveLength(2);
    for (const one of documents)
      expect(one).toMatchObject({ service: 'ingester', deployment: 'Contact-Center' });
  });

  test('The metrics of a delivery also have its destination', () => {
    const documents = keepDocuments();
    const metrics = deploymentMetrics('delivery', 'Contact-Center', undefined, { destination: 'Crm' });
    metrics.addMetric('EventsDelivered', 'Count', 1);
    metrics.publishStoredMetrics();
    expect(documents[0]).toMatchObject({
      service: 'delivery',
      deployment: 'Contact-Center',
      destination: 'Crm',
    });
    expect(documents[0]?._aws.CloudWatchMetrics[0]?.Dimensions[0]?.toSorted()).toEqual([
      'deployment',
      'destination',
      'service',
    ]);
  });

  test('A process without a deployment, such as one on a laptop, has no such dimension', () => {
    const documents = keepDocuments();
    const metrics = deploymentMetrics('consumer', undefined);
    metrics.addMetric('EventsReceived', 'Count', 1);
    metrics.publishStoredMetrics();
    expect(documents[0]?._aws.CloudWatchMetrics[0]?.Dimensions).toEqual([['service']]);
  });
});
