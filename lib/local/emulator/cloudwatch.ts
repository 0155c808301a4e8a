import { isJsonObject, optionalNumber, optionalObjects, optionalString } from './input.ts';
import { type Action, AwsError, type EmulatedService, type JsonObject } from './service.ts';

/** CloudWatch quota for one PutMetricData. */
const MAX_DATA_PER_CALL = 1_000;
/** Series whose last value is kept; beyond it the one that was written longest ago goes. */
const MAX_SERIES = 10_000;

/** The last value of one series. */
export interface MetricValue {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Of several values in one datum, the last; of a statistic set, its sum. */
  readonly value: number;
  readonly unit: string;
  readonly atMs: number;
}

/** CloudWatch as far as one needs it to see that metrics arrive: PutMetricData, the last value of each series. */
export class CloudWatch implements EmulatedService {
  readonly targetPrefix = 'GraniteServiceVersion20100801';
  readonly contentType = 'application/x-amz-json-1.0';
  readonly actions: Readonly<Record<string, Action>> = { PutMetricData: (input) => this.#put(input) };
  readonly #series = new Map<string, MetricValue>();

  /** The last value of each series, the one written longest ago first. */
  values(): MetricValue[] {
    return [...this.#series.values()];
  }

  #put(input: JsonObject): undefined {
    const namespace = optionalString(input, 'Namespace');
    if (!namespace) throw invalid('The parameter Namespace is required.');
    const data = optionalObjects(input, 'MetricData') ?? [];
    if (data.length > MAX_DATA_PER_CALL)
      throw invalid(`The collection MetricData must not have a size greater than ${MAX_DATA_PER_CALL}.`);
    // All or nothing, as a refused call stores nothing.
    for (const value of data.map((datum) => parseDatum(namespace, datum))) this.#keep(value);
  }

  #keep(value: MetricValue): void {
    const key = JSON.stringify([value.namespace, value.name, Object.entries(value.dimensions).sort()]);
    this.#series.delete(key);
    this.#series.set(key, value);
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= MAX_SERIES) return;
      this.#series.delete(oldest);
    }
  }
}

function parseDatum(namespace: string, datum: JsonObject): MetricValue {
  const name = optionalString(datum, 'MetricName');
  if (!name) throw invalid('The parameter MetricName is required.');
  const dimensions = (optionalObjects(datum, 'Dimensions') ?? []).map((dimension) => [
    optionalString(dimension, 'Name') ?? '',
    optionalString(dimension, 'Value') ?? '',
  ]);
  const seconds = optionalNumber(datum, 'Timestamp');
  return {
    namespace,
    name,
    dimensions: Object.fromEntries(dimensions),
    value: lastValue(datum),
    unit: optionalString(datum, 'Unit') ?? 'None',
    atMs: seconds === undefined ? Date.now() : seconds * 1_000,
  };
}

function lastValue(datum: JsonObject): number {
  const single = optionalNumber(datum, 'Value');
  if (single !== undefined) return single;
  const several: unknown = datum.Values;
  const last: unknown = Array.isArray(several) ? several.at(-1) : undefined;
  if (typeof last === 'number') return last;
  const statistics = datum.StatisticValues;
  const sum = isJsonObject(statistics) ? optionalNumber(statistics, 'Sum') : undefined;
  if (sum === undefined) throw invalid('A datum must have Value, Values or StatisticValues.');
  return sum;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
