/** Maximum number of secrets remembered. Tokens and channels are valid for a day, so this covers weeks. */
const MAX_SECRETS = 1_000;
/** Shorter strings are not registered: replacing them would remove ordinary words. */
const MIN_SECRET_CHARACTERS = 6;
/** Replacement for a secret. */
export const MASK = '[redacted]';
/** Names of fields whose value is always a secret. */
const SECRET_NAME = /^(?:access_?token|client_?secret|channel_?id)$/i;

/** Longer text is truncated before it is searched, so that the time is bounded. */
const MAX_TEXT_CHARACTERS = 65_536;
/** Marks the end of truncated text. */
const CUT = '… [cut]';
/** A character that can be part of a secret. */
const SECRET_CHARACTER = /[\w\-.~+/=%]/;

/**
 * Patterns of secrets that may not have been registered. The first group is kept. Repetitions before the secret are
 * bounded, so that the time grows linearly with the length of the text. The backslashes match JSON inside a JSON
 * string.
 */
const PATTERNS: readonly RegExp[] = [
  /(\b(?:bearer|basic)\s{1,16})[\w\-.~+/]+=*/gi,
  /(\b(?:access_token|client_secret|channelId)\\{0,16}["']?\s{0,16}[=:]\s{0,16}\\{0,16}["']?)[^&\s"'\\,}]+/gi,
  /(\/channels\/)[\w-]+/g,
  /(\b)streaming-\d+-[0-9a-z]+/gi,
];

/** In order of registration. */
const secrets = new Set<string>();
/** Longest first, because a secret can be a prefix of another one. */
let longestFirst: Iterable<string> = secrets;

/** Remember a token, client secret or channel id, so that {@link redact} removes it (P7). */
export function registerSecret(secret: string): void {
  if (secret.length < MIN_SECRET_CHARACTERS) return;
  secrets.delete(secret);
  secrets.add(secret);
  for (const oldest of secrets) {
    if (secrets.size <= MAX_SECRETS) break;
    secrets.delete(oldest);
  }
  longestFirst = [...secrets].sort((a, b) => b.length - a.length);
}

/** Forget all registered secrets. A process that runs unrelated tests one after the other needs this. */
export function forgetSecrets(): void {
  secrets.clear();
  longestFirst = secrets;
}

/** Whether a field of this name holds a secret: `access_token`, `clientSecret`, `channelId`. */
export function namesSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * The text without registered secrets and without anything that looks like one (P7), truncated to 65,536 characters.
 */
export function redact(text: string): string {
  let clean = text.length > MAX_TEXT_CHARACTERS ? cut(text) : text;
  for (const secret of longestFirst) clean = clean.replaceAll(secret, MASK);
  for (const pattern of PATTERNS) clean = clean.replace(pattern, `$1${MASK}`);
  return clean;
}

/** Truncate text before the word at the limit, because half of a secret would not be recognized. */
function cut(text: string): string {
  let end = MAX_TEXT_CHARACTERS;
  // Before the first character there is an empty string, which is not part of a secret.
  while (SECRET_CHARACTER.test(text.charAt(end - 1))) end--;
  return `${text.slice(0, end)}${CUT}`;
}
