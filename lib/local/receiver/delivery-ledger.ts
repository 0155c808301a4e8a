/** Maximum number of calls that the ledger keeps. */
const MAX_CALLS = 500_000;
/** Maximum total size of the bodies that the ledger keeps. */
const MAX_BODY_BYTES = 512 * 1_024 ** 2;

/** How a call was answered: `complete`, or `lost` if the sender may not have received the response. */
export type AnswerState = 'open' | 'complete' | 'lost';

/** A call as it arrived. */
export interface ArrivedCall {
  /** `Idempotency-Key`; `webhook-id` if it is absent; empty if both are. */
  readonly key: string;
  /** When the headers had arrived, in ms since 1970. */
  readonly atMs: number;
  readonly body: string;
  /** What is wrong with the signature. */
  readonly signatureProblem?: string | undefined;
  /** What is wrong with the rest of the request. */
  readonly problem?: string | undefined;
}

/** A call of the ledger. */
export interface DeliveryCall extends ArrivedCall {
  /** The status of the response; undefined if there was none, or not yet. */
  status?: number;
  answer: AnswerState;
  /** When the response was complete or lost, in ms since 1970. */
  answeredAtMs?: number;
  processed: boolean;
}

/** An interval in which the sender must not call, because of a `Retry-After`. In ms since 1970. */
export interface Hold {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The ledger is full, so a verdict would be incomplete. */
export class LedgerFullError extends Error {
  readonly code = 'LEDGER_FULL';
  constructor(message: string) {
    super(message);
    this.name = 'LedgerFullError';
  }
}

/** Everything that the receiver saw and did. */
export class DeliveryLedger {
  /** In the order of arrival. */
  readonly calls: DeliveryCall[] = [];
  readonly holds: Hold[] = [];
  private readonly byKey = new Map<string, DeliveryCall[]>();
  private bodyBytes = 0;

  /** @throws LedgerFullError at the limits of the ledger */
  arrived(call: ArrivedCall): DeliveryCall {
    this.bodyBytes += Buffer.byteLength(call.body);
    if (this.calls.length >= MAX_CALLS || this.bodyBytes > MAX_BODY_BYTES)
      throw new LedgerFullError(`The ledger keeps at most ${MAX_CALLS} calls and ${MAX_BODY_BYTES} bytes.`);
    const kept: DeliveryCall = { ...call, answer: 'open', processed: false };
    this.calls.push(kept);
    const others = this.byKey.get(call.key);
    if (others) others.push(kept);
    else this.byKey.set(call.key, [kept]);
    return kept;
  }

  /** Every key, in the order of the first calls. */
  keys(): MapIterator<string> {
    return this.byKey.keys();
  }

  /** The calls of one key, in the order of arrival. */
  callsOf(key: string): readonly DeliveryCall[] {
    return this.byKey.get(key) ?? [];
  }

  /** The calls whose body contains one of the strings, each with the first string that was found. */
  containing(strings: Iterable<string>): { readonly call: DeliveryCall; readonly found: string }[] {
    const searched = [...strings];
    return this.calls.flatMap((call) => {
      const found = searched.find((text) => call.body.includes(text));
      return found === undefined ? [] : [{ call, found }];
    });
  }
}
