import { randomUUID } from 'node:crypto';
import { announceSecret } from '../announcements.ts';
import { badRequest, notFound } from './api-error.ts';
import { type ApiRequest, type ApiResponse, jsonBody } from './api-request.ts';
import { meets, parseCondition } from './stream-conditions.ts';

const MAX_STREAMS = 100;

/** A registered stream. */
export interface StreamDefinition {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly destination: { readonly type: 'webhook'; readonly url: string; readonly secret: string };
  readonly routingRules: readonly {
    readonly name: string;
    readonly condition: string;
    readonly enabled: boolean;
  }[];
}

/** `/api/v2/eventbridge/streams` */
export class StreamsResource {
  private readonly streams = new Map<string, StreamDefinition>();

  create(request: ApiRequest): ApiResponse {
    const given = jsonBody(request) as Partial<StreamDefinition> | null;
    const { name, destination, routingRules = [] } = given ?? {};
    if (!name || !destination?.url || !/^(?:[0-9a-f]{2})+$/i.test(destination.secret ?? ''))
      throw badRequest('A stream needs a name and a destination with a URL and a secret in hexadecimal.');
    if (destination.type !== 'webhook') throw badRequest('The destination type must be webhook.');
    if (routingRules.length === 0 || routingRules.some(({ condition }) => !parseCondition(condition)))
      throw badRequest('Every stream needs routing rules with conditions, and they must not have wildcards.');
    if (this.streams.size >= MAX_STREAMS) throw badRequest(`There are ${MAX_STREAMS} streams already.`);
    const stream = { description: '', enabled: true, ...given, id: randomUUID() } as StreamDefinition;
    this.streams.set(stream.id, stream);
    announceSecret(stream.destination.secret);
    return { status: 201, body: withoutSecret(stream) };
  }

  list(): ApiResponse {
    return { status: 200, body: { entities: [...this.streams.values()].map(withoutSecret) } };
  }

  delete(id: string): ApiResponse {
    if (!this.streams.delete(id)) throw notFound(`The stream ${id}`);
    return { status: 204 };
  }

  /** The enabled streams to which an event is delivered. */
  matching(event: object): StreamDefinition[] {
    return [...this.streams.values()].filter(
      ({ enabled, routingRules }) =>
        enabled &&
        routingRules.some(
          (rule) => rule.enabled !== false && meets(parseCondition(rule.condition) ?? [], event),
        ),
    );
  }
}

/** The platform never shows a secret again. */
function withoutSecret({ destination: { type, url }, ...stream }: StreamDefinition): object {
  return { ...stream, destination: { type, url } };
}
