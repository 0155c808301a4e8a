/** A part of a secret of this length is a finding. A text that can be no part of a random secret is shorter. */
const WINDOW_CHARACTERS = 16;
/** Parts of a secret begin at every so many characters. */
const WINDOW_STEP = 8;
/** A part with fewer different characters, such as a run of zeros, can occur by chance. */
const MIN_DIFFERENT_CHARACTERS = 8;
/** Shorter secrets would be found in ordinary words. */
const MIN_SECRET_CHARACTERS = 6;
const EXCERPT_CHARACTERS = 60;
/** Where a part of a secret can be: what tokens, ids, URLs and base64 consist of. */
const WORD = /[\w\-.~+/=%]{16,}/g;
const ONLY_WORD = /^[\w\-.~+/=%]{16,}$/;

/** A text that was written, and where. */
export interface WrittenText {
  /** For example `stderr` or `answer of /healthz`. */
  readonly origin: string;
  readonly text: string;
}

/** A secret in a text. */
export interface Finding {
  readonly origin: string;
  /** The text around it. */
  readonly excerpt: string;
}

/** The texts in which a secret, or a part of one, occurs: plain, URL-encoded, in base64, or escaped as in JSON. */
export function findSecrets(secrets: Iterable<string>, texts: readonly WrittenText[]): Finding[] {
  const search = searchFor(secrets);
  return texts.flatMap(({ origin, text }) => {
    const at = search(text);
    return at === undefined ? [] : [{ origin, excerpt: excerptOf(text, at) }];
  });
}

/** Returns a function that finds the position of a secret, or of a part of one, in a text. */
export function searchFor(secrets: Iterable<string>): (text: string) => number | undefined {
  const windows = new Set<string>();
  const exact = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_CHARACTERS) continue;
    for (const form of formsOf(secret)) {
      const parts = ONLY_WORD.test(form) ? windowsOf(form).filter(isDistinctive) : [];
      for (const part of parts) windows.add(part);
      if (parts.length === 0) exact.add(form);
    }
  }
  return windows.size + exact.size === 0 ? () => undefined : (text) => positionOf(text, windows, exact);
}

function formsOf(secret: string): Set<string> {
  const base64 = [0, 1, 2].flatMap((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
    // The characters at both ends also depend on what is around the secret.
    const inner = (text: string) => text.replace(/=+$/, '').slice(shift === 0 ? 0 : shift + 1, -1);
    return [inner(bytes.toString('base64')), inner(bytes.toString('base64url'))];
  });
  return new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...base64]);
}

function windowsOf(form: string): string[] {
  const parts = [form.slice(-WINDOW_CHARACTERS)];
  for (let at = 0; at + WINDOW_CHARACTERS <= form.length; at += WINDOW_STEP)
    parts.push(form.slice(at, at + WINDOW_CHARACTERS));
  return parts;
}

function isDistinctive(part: string): boolean {
  return new Set(part).size >= MIN_DIFFERENT_CHARACTERS;
}

function positionOf(
  text: string,
  windows: ReadonlySet<string>,
  exact: ReadonlySet<string>,
): number | undefined {
  for (const { 0: word, index } of text.matchAll(WORD))
    for (let at = 0; at + WINDOW_CHARACTERS <= word.length; at++)
      if (windows.has(word.slice(at, at + WINDOW_CHARACTERS))) return index + at;
  for (const form of exact) {
    const at = text.indexOf(form);
    if (at >= 0) return at;
  }
  return undefined;
}

function excerptOf(text: string, at: number): string {
  return text.slice(Math.max(0, at - EXCERPT_CHARACTERS), at + EXCERPT_CHARACTERS);
}
