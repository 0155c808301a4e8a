import { newToken } from './identifiers.ts';

/** With more tokens than this, the oldest is forgotten. */
const MAX_TOKENS = 10_000;
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
  readonly lifeSeconds: number;

  constructor(lifeSeconds: number) {
    this.lifeSeconds = lifeSeconds;
  }

  issue(clientId: string): Token {
    const token: Token = {
      value: newToken(),
      clientId,
      expiresAtMs: Date.now() + this.lifeSeconds * MS_PER_SECOND,
      revoked: false,
    };
    const oldest = this.tokens.keys().next();
    if (this.tokens.size >= MAX_TOKENS && oldest.done !== true) this.tokens.delete(oldest.value);
    this.tokens.set(token.value, token);
    return token;
  }

  find(value: string): Token | undefined {
    return this.tokens.get(value);
  }

  /** Tokens that are neither revoked nor expired. */
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
