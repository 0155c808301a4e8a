import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Child, lastLine, switchboard, temporaryDirectory } from './child.ts';

const CAPTURE = join(import.meta.dirname, 'capture.jsonl');
const USER = 'v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';

/** A frame of a topic without an identity rule. `n` makes its body distinct. */
const frame = (n: number | string) =>
  `{"topicName":"${USER}.station","version":"2","eventBody":{"n":${n}},"metadata":{}}`;

function replay(file: string, flags: readonly string[] = [], input?: string): Child {
  const all = ['local', '--replay', file, '--speed', 'max', '--exit', '--health-port', '0', ...flags];
  return switchboard(all, input === undefined ? {} : { input });
}

/** Writes a capture. Returns its path. */
function capture(text: string | Buffer, name = 'capture.jsonl'): string {
  const file = join(temporaryDirectory(), name);
  writeFileSync(file, text);
  return file;
}

describe.concurrent('--replay', () => {
  test('A replay plays every frame once, quarantines other JSON and reports lines that are not JSON', async () => {
    const { code, stdout, stderr } = await replay(CAPTURE, ['--json']).ended;
    expect(lastLine(stdout)).toMatchObject({
      replay: {
        lines: 16,
        played: 11,
        skipped: 2,
        nonFrames: 2,
        controlFrames: 2,
        failed: 0,
        interrupted: false,
        // The capture contains one event twice, with its keys in a different order.
        repeated: 1,
      },
      sent: 9,
      received: 9,
      duplicates: 1,
      published: 8,
      quarantined: 2,
      lost: 0,
      publishedTwice: 0,
    });
    expect(code).toBe(0);
    expect(stderr.match(/capture\.jsonl:\d+: skipped, not JSON/g)).toEqual([
      'capture.jsonl:7: skipped, not JSON',
      'capture.jsonl:11: skipped, not JSON',
    ]);
    expect(stderr).toContain('v2.users.{id}.presence');
  });

  test('A replay without --json prints the same result as text', async () => {
    const { code, stdout } = await replay(CAPTURE).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Replayed 11 of 16 lines (2 are not frames); skipped 2 that are not JSON.');
    expect(stdout).toContain('Heartbeats, replies and system messages: 2.');
    expect(stdout).toContain('Dropped because they equal another line: 1.');
    expect(stdout).toContain('Every event was published once.');
  });

  test('Recorded control frames are counted and not played', async () => {
    const controlFrames = [
      '{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}',
      '{"topicName":"channel.metadata","eventBody":{"message":"pong"}}',
      '{"topicName":"v2.system.socket_closing","eventBody":{"message":"Websocket closing soon"}}',
      '{"topicName":"v2.system.token_revoked.abc","version":"2","eventBody":{},"metadata":{}}',
      '{"result":"200","status":"subscribed","correlationId":"1"}',
    ];
    const file = capture([...controlFrames, frame(1)].join('\n'));
    const { code, stdout } = await replay(file, ['--json']).ended;
    expect(lastLine(stdout)).toMatchObject({
      sent: 1,
      published: 1,
      quarantined: 0,
      replay: { lines: 6, played: 1, controlFrames: 5 },
    });
    expect(code).toBe(0);
  });

  test('A capture may have a byte order mark, be compressed, or come from standard input', async () => {
    const text = `\uFEFF${frame(1)}\r\n${frame(2)}\n`;
    const all = await Promise.all([
      replay(capture(text), ['--json']).ended,
      replay(capture(gzipSync(text), 'capture.jsonl.gz'), ['--json']).ended,
      replay('-', ['--json'], text).ended,
    ]);
    for (const { code, stdout, stderr } of all) {
      expect(code, stderr).toBe(0);
      expect(lastLine(stdout)).toMatchObject({ published: 2, replay: { lines: 2, played: 2, skipped: 0 } });
    }
  });

  test('Frames that a recorder wrapped are found, as object or text, or by --pick', async () => {
    const wrapped = [
      `{"at":1,"rawEvent":${frame(1)}}`,
      `{"at":1,"rawEvent":${JSON.stringify(frame(2))}}`,
      `{"detail-type":"x","detail":${frame(3)}}`,
    ];
    const picked = [`{"a":{"b":{"c":${frame(1)}}}}`, `{"a":{"b":{"c":${JSON.stringify(frame(2))}}}}`];
    const [byName, byPath] = await Promise.all([
      replay(capture(wrapped.join('\n')), ['--json']).ended,
      replay(capture(picked.join('\n')), ['--json', '--pick', 'a.b.c']).ended,
    ]);
    expect(lastLine(byName.stdout)).toMatchObject({ published: 3, quarantined: 0, replay: { played: 3 } });
    expect(lastLine(byPath.stdout)).toMatchObject({ published: 2, quarantined: 0, replay: { played: 2 } });
  });

  test('Lines that differ only in an integer above 2^53 are different events', async () => {
    const file = capture([frame('9007199254740993'), frame('9007199254740992')].join('\n'));
    const { stdout } = await replay(file, ['--json']).ended;
    // The text is sent unchanged. Whether the product tells the two apart is for the ledger to find out.
    expect(lastLine(stdout)).toMatchObject({ sent: 2, replay: { played: 2, repeated: 0 } });
  });

  test.each([
    ['{"hello":"world"}', /line 1 is a JSON object with hello\. Expected a notification frame/],
    ['time,topic', /line 1 is text that is not JSON\. Expected/],
    ['', /it is empty\. Expected/],
  ])(
    'A capture with only the line %s ends with code 1, and says what was expected',
    async (line, message) => {
      const { code, stderr } = await replay(capture(line)).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
    },
  );

  test('A line that breaks the connection does not end the replay', async () => {
    const tooLarge = frame(`"${'x'.repeat(17 * 1_048_576)}"`);
    const { stdout } = await replay(capture([frame(1), tooLarge, frame(2)].join('\n')), ['--json']).ended;
    expect(lastLine(stdout)).toMatchObject({ published: 2, unproven: 1, replay: { lines: 3, played: 3 } });
  });

  test('An interrupted replay says so', async () => {
    const lines = [1, 2].map((n) =>
      frame(n).replace('"metadata"', `"timestamp":"2026-11-20T09:${10 + n * 20}:00Z","metadata"`),
    );
    const child = switchboard([
      'local',
      '--replay',
      capture(lines.join('\n')),
      '--exit',
      '--health-port',
      '0',
    ]);
    await child.printed(/^ *\d+ s +1 +1 +1 /m);
    child.signal('SIGINT');
    const { stdout } = await child.ended;
    expect(stdout).toContain('The replay was interrupted before the last line.');
  });

  test('The capture of the tests has the lines that these tests count', () => {
    expect(readFileSync(CAPTURE, 'utf8').trimEnd().split('\n')).toHaveLength(16);
  });
});
