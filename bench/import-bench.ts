import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildModule } from '../lib/cdk/bundle.ts';
import { type Figure, figure } from './measure.ts';

/** Cold imports per bundle. The median is reported. */
const RUNS = 9;
const BYTES_PER_KB = 1_024;
/** Environment variables that the consumer reads when it is loaded. */
const VARIABLES = {
  CLAIMS_TABLE: 'claims',
  EVENT_BUS_NAME: 'bus',
  QUARANTINE_QUEUE_URL: 'http://127.0.0.1:9/0/quarantine',
  AWS_REGION: 'us-east-1',
};

/** Measures the size and the import time of the consumer bundle, and of its two largest SDK clients as a baseline. */
export async function benchImport(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'switchboard-bundles-'));
  try {
    const consumer = write(directory, 'functions/consumer/handler.ts', 'consumer');
    const clients = write(directory, 'bench/clients-alone.ts', 'clients');
    return [
      figure('consumer bundle', 'KB', consumer.bytes / BYTES_PER_KB, null, clients.bytes / BYTES_PER_KB),
      figure('consumer import', 'ms', await importMs(consumer.path), null, await importMs(clients.path)),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function write(directory: string, entry: string, name: string): { path: string; bytes: number } {
  let module = { path: '', bytes: 0 };
  for (const { path, contents } of buildModule(entry, name).outputFiles) {
    const to = join(directory, basename(path));
    writeFileSync(to, contents);
    if (to.endsWith('.mjs')) module = { path: to, bytes: contents.length };
  }
  return module;
}

async function importMs(path: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const child = fork(new URL('./import-run.ts', import.meta.url), [path], {
      env: { ...process.env, ...VARIABLES },
    });
    const [ms] = (await once(child, 'message')) as [number];
    times.push(ms);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1] ?? Number.NaN;
}
