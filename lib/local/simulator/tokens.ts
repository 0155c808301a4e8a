import { newToken } from './identifiers.ts';

/** Tokens known at once; above it the oldest is forgotten. */
const TOKENS_LIMIT = 10_000;
const MS_PER_SECOND = 1_000;

/** An access token of a client-credentials grant. */
export interface Token {
  readonly value: string;
  readonly clientId: string;
  readonly expiresAtMs: number;
  revoked: boolean;
}

/** The tokens that the platform has issued. */
export class Tokens {
  private readonly tokens = new Map<string, Token>();
  private readonly lifetimeSeconds: number;

  constructor(lifeSeconds: number) {
    this.lifetimeSeconds = lifeSeconds;
  }

  get lifeSeconds(): number {
    return this.lifetimeSeconds;
  }

  issue(clientId: string): Token {
    const token: Token = {
      value: newToken(),
      clientId,
      expiresAtMs: Date.now() + this.lifetimeSeconds * MS_PER_SECOND,
      revoked: false,
    };
    const oldest = this.tokens.keys().next();
    if (this.tokens.size >= TOKENS_LIMIT && oldest.done !== true) this.tokens.delete(oldest.value);
    this.tokens.set(token.value, token);
    return token;
  }

  find(value: string): Token | undefined {
    return this.tokens.get(value);
  }

  /** The tokens that are worth something. */
  valid(): readonly Token[] {
    return [...this.tokens.values()].filter(isValid);
  }
}

export function isExpired(token: Token): boolean {
  return token.expiresAtMs <= Date.now();
}

export function isValid(token: Token): boolean {
  return !token.revoked && !isExpired(token);
}
