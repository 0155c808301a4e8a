/** Splits items into batches of at most `maxItems` items and `maxBytes` bytes. A larger item gets its own batch. */
export function batches<T>(
  items: readonly T[],
  maxItems: number,
  maxBytes = Number.POSITIVE_INFINITY,
  bytesOf: (item: T) => number = () => 0,
): T[][] {
  const all: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const last = all.at(-1);
    bytes += bytesOf(item);
    if (last && last.length < maxItems && bytes <= maxBytes) last.push(item);
    else {
      all.push([item]);
      bytes = bytesOf(item);
    }
  }
  return all;
}
