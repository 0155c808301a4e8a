/** An object from JSON. */
export type Json = Readonly<Record<string, unknown>>;
