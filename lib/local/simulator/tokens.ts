import { announceSecret } from '../announcements.ts';
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
  readonly lifeSeconds: number;
  private readonly tokens = new Map<string, Token>();
  private readonly listeners: ((token: Token) => void)[] = [];

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
    announceSecret(token.value);
    return token;
  }

  find(value: string): Token | undefined {
    return this.tokens.get(value);
  }

  /** Ends a token before it expires, and notifies every part of the platform. */
  revoke(token: Token): void {
    token.revoked = true;
    for (const listener of this.listeners) listener(token);
  }

  /** Calls `listener` for each token that is revoked. */
  onRevoked(listener: (token: Token) => void): void {
    this.listeners.push(listener);
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
