// A process of its own: tells its parent how many milliseconds the import of a module takes.
const startedAtMs = performance.now();
await import(String(process.argv[2]));
process.send?.(performance.now() - startedAtMs, () => process.exit(0));
