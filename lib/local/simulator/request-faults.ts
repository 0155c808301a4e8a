/** Fault of the next REST call. */
export type RestFault = 'rest_401' | 'rest_429' | 'rest_503' | 'slow_rest';
/** HTTP status that rejects the next WebSocket upgrade. */
export type UpgradeFault = 401 | 503;

/** Faults that may wait for a request. More are refused, so that they do not pile up while a client is idle. */
const MAX_WAITING = 1;

/** Faults that hit the next request, in the order in which they were armed. */
export class RequestFaults {
  private readonly rest: { readonly kind: RestFault; readonly onHit: () => void }[] = [];
  private readonly upgrades: { readonly status: UpgradeFault; readonly onHit: () => void }[] = [];

  /** Arms a fault for the next REST call. @returns false if enough faults are waiting */
  armRest(kind: RestFault, onHit: () => void): boolean {
    if (this.rest.length >= MAX_WAITING) return false;
    this.rest.push({ kind, onHit });
    return true;
  }

  /** Arms a fault for the next upgrade. @returns false if enough faults are waiting */
  armUpgrade(status: UpgradeFault, onHit: () => void): boolean {
    if (this.upgrades.length >= MAX_WAITING) return false;
    this.upgrades.push({ status, onHit });
    return true;
  }

  takeRest(): RestFault | undefined {
    const taken = this.rest.shift();
    taken?.onHit();
    return taken?.kind;
  }

  takeUpgrade(): UpgradeFault | undefined {
    const taken = this.upgrades.shift();
    taken?.onHit();
    return taken?.status;
  }
}
