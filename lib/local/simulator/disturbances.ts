/** What can go wrong with the next REST call. */
export type RestDisturbance = 'rest_401' | 'rest_429' | 'rest_503' | 'slow_rest';
/** HTTP status that refuses the next upgrade. */
export type UpgradeRefusal = 401 | 503;

/** Disturbances of a kind that wait for a request; more are refused, so that a quiet client meets no wall later. */
const WAITING_LIMIT = 1;

/** Disturbances that hit whatever request comes next, in the order in which they were armed. */
export class Disturbances {
  private readonly rest: { readonly kind: RestDisturbance; readonly onHit: () => void }[] = [];
  private readonly upgrades: { readonly status: UpgradeRefusal; readonly onHit: () => void }[] = [];

  /** Arms one for the next REST call. @returns false when enough wait already */
  armRest(kind: RestDisturbance, onHit: () => void = () => {}): boolean {
    if (this.rest.length >= WAITING_LIMIT) return false;
    this.rest.push({ kind, onHit });
    return true;
  }

  /** Arms one for the next upgrade. @returns false when enough wait already */
  armUpgrade(status: UpgradeRefusal, onHit: () => void = () => {}): boolean {
    if (this.upgrades.length >= WAITING_LIMIT) return false;
    this.upgrades.push({ status, onHit });
    return true;
  }

  takeRest(): RestDisturbance | undefined {
    const taken = this.rest.shift();
    taken?.onHit();
    return taken?.kind;
  }

  takeUpgrade(): UpgradeRefusal | undefined {
    const taken = this.upgrades.shift();
    taken?.onHit();
    return taken?.status;
  }
}
