/** How many secrets are remembered; tokens and channels live a day, so that this is weeks of them. */
const SECRETS_LIMIT = 1_000;
/** Shorter strings are not taken for secrets: replacing them would blank ordinary words. */
const SECRET_MIN_CHARACTERS = 6;
/** What stands in place of a secret. */
export const MASK = '[redacted]';
/** Names of fields whose text is a secret whatever it looks like. */
const SECRET_NAME = /^(?:access_?token|client_?secret|channel_?id)$/i;

/** What a secret looks like where it was not registered. */
const PATTERNS: readonly RegExp[] = [
  /(?<=\b(?:bearer|basic)\s+)[\w\-.~+/]+=*/gi,
  // Backslashes: JSON within a string of JSON.
  /(?<=\b(?:access_token|client_secret|channelId)\\*["']?\s*[=:]\s*\\*["']?)[^&\s"'\\,}]+/gi,
  /(?<=\/channels\/)[\w-]+/g,
  /\bstreaming-\d+-[0-9a-z]+/gi,
];

/** In the order in which they were registered. */
const secrets = new Set<string>();
/** A secret that is the beginning of another one must not leave the other's end. */
let longestFirst: readonly string[] = [];

/** Remember a token, client secret or channel id, so that {@link redact} removes it wherever it turns up (P7). */
export function registerSecret(secret: string): void {
  if (secret.length < SECRET_MIN_CHARACTERS) return;
  secrets.delete(secret);
  secrets.add(secret);
  for (const oldest of secrets) {
    if (secrets.size <= SECRETS_LIMIT) break;
    secrets.delete(oldest);
  }
  longestFirst = [...secrets].sort((a, b) => b.length - a.length);
}

/** Whether a field of this name holds a secret: `access_token`, `clientSecret`, `channelId`. */
export function namesSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** The text without the secrets we know of, and without what looks like one (P7). */
export function redact(text: string): string {
  let clean = text;
  for (const secret of longestFirst) clean = clean.replaceAll(secret, MASK);
  for (const pattern of PATTERNS) clean = clean.replace(pattern, MASK);
  return clean;
}
