import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Child, lastLine, switchboard, temporaryDirectory } from './child.ts';

/** Preloaded into the child process. Records all connections and lookups, and blocks those that leave the machine. */
const RECORDER = `
import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { isIP, Socket } from 'node:net';
import { syncBuiltinESMExports } from 'node:module';

const isLoopback = (host) =>
  host === undefined || host === '' || host === 'localhost' || /^(127\\.|::1$|::ffff:127\\.)/.test(host);

function note(kind, host, port = '') {
  const place = isLoopback(host) ? 'loopback' : 'outside';
  appendFileSync(process.env.RECORD_FILE, [place, kind, host, port].join(' ') + '\\n');
  if (place === 'loopback') return;
  throw Object.assign(new Error('blocked: ' + kind + ' ' + host), { code: 'ENETUNREACH' });
}

const { connect } = Socket.prototype;
Socket.prototype.connect = function (...given) {
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  const options = typeof first === 'object' ? first : { port: first, host: typeof second === 'string' ? second : undefined };
  // A path is a local socket. An HTTP agent sets it to null.
  if (typeof options.path !== 'string') note('connect', options.host, options.port);
  return connect.apply(this, given);
};

function guard(owner, name, hostOf = (args) => args[0]) {
  const original = owner[name];
  owner[name] = function (...args) {
    const host = hostOf(args);
    if (isIP(String(host)) === 0 || !isLoopback(host)) note(name, host);
    return original.apply(this, args);
  };
}
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveSrv', 'resolveTxt']) {
  guard(dns, name);
  guard(dns.promises, name);
}
guard(dgram.Socket.prototype, 'connect', (args) => args[1]);
guard(dgram.Socket.prototype, 'send', (args) => args.findLast((one) => typeof one === 'string'));
syncBuiltinESMExports();
`;

function recorder(): {
  directory: string;
  env: Record<string, string>;
  nodeArguments: string[];
  lines: () => string[];
} {
  const directory = temporaryDirectory();
  const preload = join(directory, 'recorder.mjs');
  const file = join(directory, 'record.txt');
  writeFileSync(preload, RECORDER);
  return {
    directory,
    env: { RECORD_FILE: file },
    nodeArguments: ['--import', preload],
    lines: () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []),
  };
}

const outside = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('loopback '));

describe('the recorder', () => {
  // Addresses and names reserved by RFC 5737 and RFC 2606. Nothing is sent to them.
  const CONTROL = `
    import { get } from 'node:http';
    import { connect } from 'node:net';
    import { lookup } from 'node:dns';
    import { lookup as lookupPromise } from 'node:dns/promises';
    import { WebSocket } from 'ws';
    const tries = [
      () => fetch('http://192.0.2.1/'),
      () => fetch('https://switchboard.example/'),
      () => new Promise((resolve, reject) => connect(443, '192.0.2.2').once('error', reject).once('connect', resolve)),
      () => new Promise((resolve, reject) => connect({ port: 1, host: 'net.example' }).once('error', reject).once('connect', resolve)),
      () => new Promise((resolve, reject) => lookup('dns.example', (error) => (error ? reject(error) : resolve()))),
      () => lookupPromise('promise.example'),
      () => new Promise((resolve, reject) => get('http://agent.example/', resolve).once('error', reject)),
      () => new Promise((resolve, reject) => get('http://192.0.2.3/', resolve).once('error', reject)),
      () => new Promise((resolve, reject) => new WebSocket('wss://ws.example/').once('error', reject).once('open', resolve)),
    ];
    for (const one of tries) {
      try {
        await one();
        console.log('went through');
      } catch (error) {
        console.log((error.cause ?? error).message);
      }
    }
    process.exit();
  `;

  test('The recorder sees and blocks everything that leaves the loopback interface', async () => {
    const { lines, env, nodeArguments } = recorder();
    const root = join(import.meta.dirname, '../..');
    const script = ['--input-type=module', '-e', CONTROL];
    const { stdout } = await new Child([...nodeArguments, ...script], { env, directory: root }).ended;
    const blocked = stdout.trim().split('\n');
    expect(blocked).toHaveLength(9);
    for (const line of blocked) expect(line).toMatch(/^blocked: /);
    const hosts = outside(lines()).map((line) => line.split(' ')[2]);
    expect(new Set(hosts)).toEqual(
      new Set([
        '192.0.2.1',
        'switchboard.example',
        '192.0.2.2',
        'net.example',
        'dns.example',
        'promise.example',
        'ws.example',
        'agent.example',
        '192.0.2.3',
      ]),
    );
  });
});

describe('a run of `switchboard local`', () => {
  test('A local run connects only on the loopback interface', async () => {
    const { lines, directory, ...more } = recorder();
    const events = [
      '--events',
      '1500',
      '--rate',
      '1000',
      '--topics',
      'v2.analytics.queues.{id}.observations',
    ];
    const flags = [...events, '--exit', '--json', '--health-port', '0'];
    // Faults cause reconnects, new tokens and repeated calls.
    const faults = [
      '--faults',
      'socket_drop,token_revoked,eviction,throttle,server_error,timeout_after_commit',
    ];
    const { stdout, stderr } = await switchboard(['local', ...flags, ...faults], { ...more, directory })
      .ended;
    expect(lastLine(stdout), stderr).toMatchObject({
      lost: 0,
      publishedTwice: 0,
      published: expect.any(Number),
    });
    expect(outside(lines())).toEqual([]);
    // The recorder worked: it saw the connections to the simulated Genesys Cloud and to the local AWS.
    const [cloud, aws] = [...stderr.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => port);
    for (const port of [cloud, aws]) expect(lines()).toContain(`loopback connect 127.0.0.1 ${port}`);
  });
});
