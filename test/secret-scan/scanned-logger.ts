import { Console } from 'node:console';
import { Writable } from 'node:stream';
import type { Logger } from '@aws-lambda-powertools/logger';
import { createLogger } from '../../lib/aws/logger.ts';

/** The product's logger with every level. Its lines are not shown; they are searched for secrets. */
export function scannedLogger(service: string): Logger {
  const sink = new Writable({
    write: (chunk, _, done) => {
      globalThis.writtenInTest?.(`log of ${service}`, String(chunk));
      done();
    },
  });
  return Object.assign(createLogger(service, 'DEBUG'), { console: new Console(sink, sink) });
}
