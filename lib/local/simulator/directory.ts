import { Random } from '../random.ts';
import { badRequest, notFound } from './api-error.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { seededUuid } from './identifiers.ts';
import type { ListingFault } from './request-faults.ts';

const DEFAULT_PAGE_SIZE = 25;
const MAX_PAGE_SIZE = 500;
const FIRST_NAMES = [
  'Ada',
  'Björn',
  'Chipo',
  'Dmitri',
  'Elena',
  'Farah',
  'Goran',
  'Hana',
  'Ivo',
  'Júlia',
] as const;
const LAST_NAMES = [
  'Okafor',
  'Lindqvist',
  'Moyo',
  'Petrov',
  'García',
  'Haddad',
  'Novak',
  'Sato',
  'Keller',
] as const;
const QUEUE_NAMES = [
  'Billing',
  'Support',
  'Sales',
  'Claims',
  'Retention',
  'Deliveries',
  'Technical',
] as const;

interface Entity {
  readonly id: string;
  readonly name: string;
}

/** The users and queues of the organization. Their ids depend on the seed and the order in which they were added. */
export class Directory {
  private readonly random: Random;
  private readonly division: Entity;
  private readonly users = new Map<string, Entity>();
  private readonly queues = new Map<string, Entity>();
  /** Also kept as arrays because the generator picks from them for each event. */
  private currentUserIds: readonly string[] = [];
  private currentQueueIds: readonly string[] = [];
  private added = 0;

  constructor(seed: number, users: number, queues: number) {
    this.random = new Random(seed).fork('directory');
    this.division = { id: seededUuid(this.random), name: 'Home' };
    for (let index = 0; index < users; index += 1) this.addUser();
    for (let index = 0; index < queues; index += 1) this.addQueue();
  }

  get userIds(): readonly string[] {
    return this.currentUserIds;
  }

  get queueIds(): readonly string[] {
    return this.currentQueueIds;
  }

  addUser(): string {
    const name = `${this.random.pick(FIRST_NAMES)} ${this.random.pick(LAST_NAMES)}`;
    const id = this.add(this.users, name);
    this.currentUserIds = [...this.users.keys()];
    return id;
  }

  addQueue(): string {
    const id = this.add(this.queues, this.random.pick(QUEUE_NAMES));
    this.currentQueueIds = [...this.queues.keys()];
    return id;
  }

  /** @returns whether the user existed */
  removeUser(id: string): boolean {
    const removed = this.users.delete(id);
    this.currentUserIds = [...this.users.keys()];
    return removed;
  }

  /** @returns whether the queue existed */
  removeQueue(id: string): boolean {
    const removed = this.queues.delete(id);
    this.currentQueueIds = [...this.queues.keys()];
    return removed;
  }

  /** `GET /api/v2/users` */
  listUsers(request: ApiRequest, fault?: ListingFault): ApiResponse {
    return listing(request, [...this.users.values()], (user) => this.userBody(user), fault);
  }

  /** `GET /api/v2/routing/queues` */
  listQueues(request: ApiRequest, fault?: ListingFault): ApiResponse {
    return listing(request, [...this.queues.values()], (queue) => this.queueBody(queue), fault);
  }

  user(id: string): ApiResponse {
    const user = this.users.get(id);
    if (user === undefined) throw notFound(`User ${id}`);
    return { status: 200, body: this.userBody(user) };
  }

  queue(id: string): ApiResponse {
    const queue = this.queues.get(id);
    if (queue === undefined) throw notFound(`Queue ${id}`);
    return { status: 200, body: this.queueBody(queue) };
  }

  private add(entities: Map<string, Entity>, name: string): string {
    this.added += 1;
    const id = seededUuid(this.random);
    entities.set(id, { id, name: `${name} ${this.added}` });
    return id;
  }

  private userBody({ id, name }: Entity): object {
    const address = `${id.slice(0, 8)}@example.com`;
    return {
      id,
      name,
      division: { ...this.division, selfUri: `/api/v2/authorization/divisions/${this.division.id}` },
      chat: { jabberId: `${id.slice(0, 8)}@example.orgspan.com` },
      email: address,
      primaryContactInfo: [{ address, mediaType: 'EMAIL', type: 'PRIMARY' }],
      addresses: [],
      state: 'active',
      username: address,
      version: 1,
      acdAutoAnswer: false,
      selfUri: `/api/v2/users/${id}`,
    };
  }

  private queueBody({ id, name }: Entity): object {
    return {
      id,
      name,
      division: { ...this.division, selfUri: `/api/v2/authorization/divisions/${this.division.id}` },
      memberCount: this.users.size,
      skillEvaluationMethod: 'BEST',
      acwSettings: { wrapupPrompt: 'MANDATORY', timeoutMs: 60_000 },
      selfUri: `/api/v2/routing/queues/${id}`,
    };
  }
}

function listing(
  request: ApiRequest,
  all: readonly Entity[],
  body: (entity: Entity) => object,
  fault: ListingFault | undefined,
): ApiResponse {
  if (fault === 'listing_empty') return { status: 200, body: { entities: [] } };
  const { entities, ...rest } = page(request, all, body);
  // The last entity of the page is missing, and the total does not show it.
  const listed = fault === 'listing_shrinks' ? entities.slice(0, -1) : entities;
  return { status: 200, body: { entities: listed, ...rest } };
}

function page(request: ApiRequest, all: readonly Entity[], body: (entity: Entity) => object) {
  const pageSize = pageParameter(request, 'pageSize', DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
  const pageNumber = pageParameter(request, 'pageNumber', 1, Number.MAX_SAFE_INTEGER);
  const pageCount = Math.ceil(all.length / pageSize);
  const uri = (number: number): string => {
    const query = new URLSearchParams(request.query);
    query.set('pageSize', String(pageSize));
    query.set('pageNumber', String(number));
    return `${request.path}?${query}`;
  };
  return {
    entities: all.slice((pageNumber - 1) * pageSize, pageNumber * pageSize).map(body),
    pageSize,
    pageNumber,
    total: all.length,
    firstUri: uri(1),
    selfUri: uri(pageNumber),
    ...(pageNumber < pageCount ? { nextUri: uri(pageNumber + 1) } : {}),
    ...(pageNumber > 1 ? { previousUri: uri(pageNumber - 1) } : {}),
    lastUri: uri(Math.max(1, pageCount)),
    pageCount,
  };
}

function pageParameter(request: ApiRequest, name: string, defaultValue: number, max: number): number {
  const text = request.query.get(name);
  const value = text === null ? defaultValue : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw badRequest(`${name} must be an integer from 1 to ${max}.`);
  }
  return value;
}
