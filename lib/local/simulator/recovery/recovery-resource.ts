import { badRequest, missingPermissions, notFound } from '../api-error.ts';
import { type ApiRequest, type ApiResponse, jsonBody } from '../api-request.ts';
import type { EventHistory } from './event-history.ts';
import type { Json } from './json-object.ts';

/** Limits of the platform: entries per page, results of all pages, and the length of an interval. */
const MAX_PAGE_SIZE = 100;
const MAX_RESULTS = 100_000;
const MAX_INTERVAL_MS = 7 * 86_400_000;

/** Permissions, by what they allow. */
export const RECOVERY_PERMISSIONS = {
  conversationDetails: 'analytics:conversationDetail:view',
  userDetails: 'analytics:userDetail:view',
  conversation: 'conversation:communication:view',
  observations: 'analytics:queueObservation:view',
  audits: 'audits:audit:view',
} as const;

/** Entity types of audit records that the simulated services know. */
const AUDIT_SERVICES: Readonly<Record<string, readonly string[]>> = {
  Presence: ['UserPresence'],
  Directory: ['User', 'Group'],
  ContactCenter: ['Queue', 'WrapupCode'],
};

/** What can be read about the past, and about the present state. */
export class RecoveryResource {
  private readonly history: EventHistory;
  private readonly denied: ReadonlySet<string>;

  /** @param denied permissions that the client lacks */
  constructor(history: EventHistory, denied: ReadonlySet<string>) {
    this.history = history;
    this.denied = denied;
  }

  /** `POST /api/v2/analytics/conversations/details/query` */
  conversationDetails(request: ApiRequest): ApiResponse {
    this.require('conversationDetails');
    const { interval, paging } = query(request);
    const found = this.history.conversations.details(interval.fromMs, interval.toMs, Date.now());
    return pageOf('conversations', found, paging);
  }

  /** `POST /api/v2/analytics/users/details/query` */
  userDetails(request: ApiRequest): ApiResponse {
    this.require('userDetails');
    const { interval, paging } = query(request);
    return pageOf(
      'userDetails',
      this.history.users.details(interval.fromMs, interval.toMs, Date.now()),
      paging,
    );
  }

  /** `GET /api/v2/conversations/{id}` */
  conversation(id: string): ApiResponse {
    this.require('conversation');
    const body = this.history.conversations.open(id);
    if (body === undefined) throw notFound(`Conversation ${id}`);
    return { status: 200, body };
  }

  /** `POST /api/v2/analytics/queues/observations/query` */
  queueObservations(request: ApiRequest): ApiResponse {
    this.require('observations');
    const { filter } = jsonBody(request) as { filter?: { predicates?: readonly { value?: string }[] } };
    const queueIds = filter?.predicates?.flatMap(({ value }) => value ?? []) ?? [];
    if (queueIds.length === 0) throw badRequest('A filter with queues is required.');
    const results = queueIds.flatMap((id) => {
      const latest =
        this.history.latestOf(`v2.analytics.queues.${id}.observations`) ??
        this.history.latestOf(`v2.analytics.queues.${id}.activity`);
      const [first] = (latest?.data ?? []) as readonly Json[];
      return latest ? [{ group: latest.group, data: first?.metrics ?? [] }] : [];
    });
    return { status: 200, body: { results } };
  }

  /** `GET /api/v2/audits/query/realtime/servicemapping` */
  auditServices(): ApiResponse {
    this.require('audits');
    const services = Object.entries(AUDIT_SERVICES).map(([name, entities]) => ({
      name,
      entities: entities.map((entity) => ({ name: entity, actions: [] })),
    }));
    return { status: 200, body: { services } };
  }

  /** `POST /api/v2/audits/query/realtime` */
  audits(request: ApiRequest): ApiResponse {
    this.require('audits');
    const { interval } = query(request);
    const { serviceName, pageNumber = 1, pageSize = 25 } = jsonBody(request) as Record<string, never>;
    const types = AUDIT_SERVICES[serviceName ?? ''];
    if (types === undefined) throw badRequest('The service does not exist.');
    const found = this.history.audits.visible(Date.now()).filter(({ eventTime, entityType }) => {
      const atMs = Date.parse(String(eventTime));
      return types.includes(String(entityType)) && atMs >= interval.fromMs && atMs < interval.toMs;
    });
    const page = found.slice((pageNumber - 1) * pageSize, pageNumber * pageSize);
    const entities = page.map(({ eventTime, ...rest }) => ({ ...rest, eventDate: eventTime }));
    return { status: 200, body: { entities, pageSize, pageNumber } };
  }

  /** The users of `GET /api/v2/users` with the data requested by `expand`. */
  expanded(answer: ApiResponse, expand: string | null): ApiResponse {
    const { entities, ...page } = answer.body as { entities: readonly Json[] };
    const names = new Set(expand?.split(',') ?? []);
    const latest = (id: unknown, topic: string) => this.history.latestOf(`v2.users.${id}.${topic}`);
    const expandedUser = (user: Json) => ({
      ...user,
      ...(names.has('presence') ? { presence: latest(user.id, 'presence') } : {}),
      ...(names.has('routingStatus')
        ? { routingStatus: latest(user.id, 'routingStatus')?.routingStatus }
        : {}),
      ...(names.has('conversationSummary')
        ? { conversationSummary: latest(user.id, 'conversationsummary') }
        : {}),
      ...(names.has('station') ? { station: latest(user.id, 'station') } : {}),
      ...(names.has('outOfOffice') ? { outOfOffice: latest(user.id, 'outofoffice') } : {}),
    });
    return { status: answer.status, body: { ...page, entities: entities.map(expandedUser) } };
  }

  private require(what: keyof typeof RECOVERY_PERMISSIONS): void {
    const permission = RECOVERY_PERMISSIONS[what];
    if (this.denied.has(permission)) throw missingPermissions([permission]);
  }
}

interface Paging {
  readonly pageSize: number;
  readonly pageNumber: number;
}

function query(request: ApiRequest) {
  const { interval, paging } = jsonBody(request) as { interval?: unknown; paging?: Partial<Paging> };
  const [from = '', to = ''] = String(interval).split('/');
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(fromMs) || Number.isNaN(toMs) || toMs <= fromMs) throw badRequest('Invalid interval.');
  if (toMs - fromMs > MAX_INTERVAL_MS) throw badRequest('The interval must not exceed 7 days.');
  return {
    interval: { fromMs, toMs },
    paging: { pageSize: paging?.pageSize ?? 25, pageNumber: paging?.pageNumber ?? 1 },
  };
}

/** A page. After the last one, the list is absent. */
function pageOf(name: string, found: readonly Json[], { pageSize, pageNumber }: Paging): ApiResponse {
  if (pageSize > MAX_PAGE_SIZE) throw badRequest(`The page size must not exceed ${MAX_PAGE_SIZE}.`);
  if (pageSize * pageNumber > MAX_RESULTS)
    throw badRequest(
      `Pagination may not exceed ${MAX_RESULTS} results. Tip: Consider querying in smaller intervals`,
    );
  const page = found.slice((pageNumber - 1) * pageSize, pageNumber * pageSize);
  return { status: 200, body: { ...(page.length > 0 ? { [name]: page } : {}), totalHits: found.length } };
}
