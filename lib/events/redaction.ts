/** How many secrets are remembered; tokens and channels live a day, so that this is weeks of them. */
const SECRETS_LIMIT = 1_000;
/** Shorter strings are not taken for secrets: replacing them would blank ordinary words. */
const SECRET_MIN_CHARACTERS = 6;
const MASK = '[redacted]';

/** What a secret looks like where it was not registered. */
const PATTERNS: readonly RegExp[] = [
  /(?<=\b(?:bearer|basic)\s+)[\w\-.~+/]+=*/gi,
  /(?<=\b(?:access_token|client_secret|channelId)["']?\s*[=:]\s*["']?)[^&\s"',}]+/gi,
  /(?<=\/channels\/)[\w-]+/g,
  /\bstreaming-\d+-[0-9a-z]+/gi,
];

const secrets = new Set<string>();

/** Remember a token, client secret or channel id, so that {@link redact} removes it wherever it turns up (P7). */
export function registerSecret(secret: string): void {
  if (secret.length < SECRET_MIN_CHARACTERS) return;
  secrets.delete(secret);
  secrets.add(secret);
  if (secrets.size <= SECRETS_LIMIT) return;
  for (const oldest of secrets) {
    secrets.delete(oldest);
    break;
  }
}

/** The text without the secrets we know of, and without what looks like one (P7). */
export function redact(text: string): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, MASK);
  for (const pattern of PATTERNS) clean = clean.replace(pattern, MASK);
  return clean;
}
