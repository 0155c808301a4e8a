/** Fault of the next REST call. */
export type RestFault = 'rest_401' | 'rest_429' | 'rest_503' | 'slow_rest';
/** HTTP status that rejects the next WebSocket upgrade. */
export type UpgradeFault = 401 | 503;
/** Fault of the next page of a listing: one entity is missing, or all of them. */
export type ListingFault = 'listing_shrinks' | 'listing_empty';
/** Chooses the topics that the next answer to a subscription omits, and that are not subscribed. */
export type SubscriptionFault = (topics: readonly string[]) => ReadonlySet<string>;

/** What a fault can wait for. */
interface FaultOf {
  readonly rest: RestFault;
  readonly upgrade: UpgradeFault;
  readonly listing: ListingFault;
  readonly subscription: SubscriptionFault;
}
type RequestKind = keyof FaultOf;

interface Armed<Fault> {
  readonly fault: Fault;
  readonly onHit: () => void;
}

/**
 * Faults that hit the next request of a kind. At most one fault per kind waits, so that faults do not pile up while a
 * client is idle.
 */
export class RequestFaults {
  private readonly armed: { [Kind in RequestKind]?: Armed<FaultOf[Kind]> | undefined } = {};

  /** Listings whose next page is correct: the first page, and the page after an incorrect one. */
  private readonly rightListings = new Set<string>(['users', 'queues']);

  /** Arms a fault for the next request. @returns false if another one is waiting */
  arm<Kind extends RequestKind>(kind: Kind, fault: FaultOf[Kind], onHit: () => void): boolean {
    if (this.armed[kind] !== undefined) return false;
    const armed: { [Name in RequestKind]?: Armed<FaultOf[Name]> | undefined } = this.armed;
    armed[kind] = { fault, onHit } as (typeof armed)[Kind];
    return true;
  }

  /**
   * The fault that hits this page of a listing. The first page is always correct, and two consecutive pages are never
   * both incorrect: entities that were never listed, or are missing twice, cannot be distinguished from entities that
   * do not exist.
   */
  takeListing(name: 'users' | 'queues'): ListingFault | undefined {
    if (this.rightListings.delete(name)) return undefined;
    const fault = this.take('listing');
    if (fault !== undefined) this.rightListings.add(name);
    return fault;
  }

  /** The fault that hits this request. */
  take<Kind extends RequestKind>(kind: Kind): FaultOf[Kind] | undefined {
    const taken = this.armed[kind];
    this.armed[kind] = undefined;
    taken?.onHit();
    return taken?.fault;
  }
}
