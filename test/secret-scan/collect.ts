import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, Server, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isOfProduct } from './error-texts.ts';
import { DIRECTORY_VARIABLE, type Records } from './written-texts.ts';

const PRELOAD = pathToFileURL(resolve(import.meta.dirname, 'child-preload.ts')).href;
/** Services whose calls carry events or secrets, and nothing that is written for people to read. */
const DATA_TARGETS = /^(?:DynamoDB_|AmazonSQS|AWSEvents|secretsmanager)/;

/**
 * Collects from now on everything that this process writes, and the secrets that the stand-ins announce. Child processes
 * that run Node.js do the same and record it in the directory.
 */
export function collect(records: Records, directory: () => string): void {
  subscribe('switchboard-local:secret', (secret) => records.secret(secret as string));
  subscribe('switchboard-local:aws-call', (call) => {
    const { target, body } = call as { target: string; body: string };
    if (!DATA_TARGETS.test(target)) records.text(target, body);
  });
  collectOutput(records);
  collectAnswers(records);
  followChildren(directory);
  collectErrors(records);
}

function collectOutput(records: Records): void {
  for (const [name, stream] of [
    ['stdout', process.stdout],
    ['stderr', process.stderr],
  ] as const) {
    const write = stream.write.bind(stream) as (...values: unknown[]) => boolean;
    stream.write = (chunk: unknown, ...more: unknown[]) => {
      records.text(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString());
      return write(chunk, ...more);
    };
  }
}

/** Collects what HTTP servers answer, if code of the product made them listen. */
function collectAnswers(records: Records): void {
  const own = new WeakSet<object>();
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...values: Parameters<Server['listen']>) {
    if (isOfProduct(new NativeError())) own.add(this);
    return listen.apply(this, values);
  } as typeof listen;
  for (const method of ['write', 'end'] as const) {
    const original = ServerResponse.prototype[method] as (...values: unknown[]) => unknown;
    ServerResponse.prototype[method] = function (this: ServerResponse, ...values: unknown[]) {
      const { url, socket } = this.req as IncomingMessage & { socket?: { server?: object } };
      const [body] = values;
      if (socket?.server && own.has(socket.server)) {
        const text =
          typeof body === 'string' || body instanceof Uint8Array ? String(Buffer.from(body as string)) : '';
        records.text(
          `answer of ${url}`,
          `${this.statusMessage ?? ''} ${JSON.stringify(this.getHeaders())} ${text}`,
        );
      }
      return original.apply(this, values);
    } as never;
  }
}

const NativeError = globalThis.Error;

/** Collects the errors that are made, thrown or not. */
function collectErrors(records: Records): void {
  const made = (error: Error, below: (...values: never[]) => unknown): Error => {
    // The frames of this file are not part of the stack.
    NativeError.captureStackTrace(error, below);
    records.error(error);
    return error;
  };
  const handler: Required<Pick<ProxyHandler<ErrorConstructor>, 'construct' | 'apply'>> = {
    construct: (target, values, newTarget) =>
      made(Reflect.construct(target, values, newTarget) as Error, handler.construct),
    apply: (target, self, values) => made(Reflect.apply(target, self, values) as Error, handler.apply),
  };
  globalThis.Error = new Proxy(NativeError, handler);
}

/**
 * Gives every child process that runs Node.js the module that collects there, and the cache of compiled code of this
 * process, whatever environment it gets.
 */
function followChildren(directory: () => string): void {
  const prototype = ChildProcess.prototype as unknown as {
    spawn(options: { file: string; envPairs?: string[] }): unknown;
  };
  const { spawn } = prototype;
  prototype.spawn = function (options) {
    if (options.file === process.execPath) {
      const pairs = options.envPairs ?? [];
      const given = pairs.find((pair) => pair.startsWith('NODE_OPTIONS='))?.slice('NODE_OPTIONS='.length);
      const others = pairs.filter(
        (pair) => !/^(?:NODE_OPTIONS|SECRET_SCAN_DIRECTORY|NODE_COMPILE_CACHE)=/.test(pair),
      );
      const { NODE_COMPILE_CACHE: cache } = process.env;
      if (cache !== undefined) others.push(`NODE_COMPILE_CACHE=${cache}`);
      const imports = given?.includes(PRELOAD) ? given : `${given ?? ''} --import ${PRELOAD}`.trim();
      options.envPairs = [...others, `NODE_OPTIONS=${imports}`, `${DIRECTORY_VARIABLE}=${directory()}`];
    }
    return spawn.call(this, options);
  };
}
