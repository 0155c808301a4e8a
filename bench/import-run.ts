// Runs as a separate process. Measures the import of a module and sends the milliseconds to the parent process.
const startedAtMs = performance.now();
await import(String(process.argv[2]));
process.send?.(performance.now() - startedAtMs, () => process.exit(0));
