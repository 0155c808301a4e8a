import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { type AuditReport, checkRecords, type SessionReport } from '../../bin/audit/chain-check.ts';
import { exportedRecords } from '../../bin/audit/exported-records.ts';
import { switchboard } from '../end-to-end/child.ts';
import { type AnyRecord, hashOf } from './own-check.ts';

const SESSION = '6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';
const OTHER = 'b7f2d6c1-3a4e-4d2b-8c55-1e9a0d7c6f21';
const LENGTH = 8;

/** A chain as the product should write it, hashed without the product's code. */
function chain(session = SESSION, length = LENGTH): AnyRecord[] {
  const records: AnyRecord[] = [];
  for (let index = 0; index < length; index++) {
    const record: AnyRecord = {
      auditId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      time: new Date(Date.UTC(2026, 10, 20, 9, 30, index)).toISOString(),
      session,
      service: 'consumer',
      index,
      action: index === 0 ? 'session.started' : index === length - 1 ? 'session.ended' : 'event.published',
      protocol: 'notification-channels',
      eventId: `é-${index}`,
      sequence: index,
      latencyMs: 12,
      sha256: 'ab'.repeat(32),
      previous: records.at(-1)?.hash ?? null,
    };
    records.push({ ...record, hash: hashOf(record) });
  }
  return records;
}

async function check(text: string, allowMissingStart = false): Promise<AuditReport> {
  async function* lines() {
    yield* text.split('\n');
  }
  return checkRecords(exportedRecords(lines()), { allowMissingStart });
}

const asLines = (records: readonly AnyRecord[]) => records.map((one) => JSON.stringify(one)).join('\n');

/** The report of the session, of a file with these records. */
async function reportOf(
  records: readonly AnyRecord[],
  options: { session?: string; allowMissingStart?: boolean } = {},
): Promise<SessionReport> {
  const { session = SESSION, allowMissingStart = false } = options;
  const { sessions } = await check(asLines(records), allowMissingStart);
  const report = sessions.find((one) => one.session === session);
  if (!report) throw new Error(`no report of ${session}`);
  return report;
}

/** The member at a position with other content. */
function changed(records: readonly AnyRecord[], at: number, change: AnyRecord): AnyRecord[] {
  return records.map((record, index) => (index === at ? { ...record, ...change } : record));
}

describe('a file with whole chains', () => {
  test('A chain with its last record is complete', async () => {
    expect(await reportOf(chain())).toEqual({
      session: SESSION,
      service: 'consumer',
      records: LENGTH,
      copies: 0,
      from: '2026-11-20T09:30:00.000Z',
      to: '2026-11-20T09:30:07.000Z',
      state: 'ended',
    });
  });

  test('A chain without its last record is open, because records can be missing at the end', async () => {
    expect(await reportOf(chain().slice(0, -1))).toMatchObject({ state: 'open', records: LENGTH - 1 });
  });

  test('The order of the lines does not matter, and neither does that of the fields', async () => {
    const shuffled = chain()
      .toReversed()
      .map((record) => Object.fromEntries(Object.entries(record).toReversed()));
    expect(await reportOf(shuffled)).toMatchObject({ state: 'ended' });
  });

  test('Identical copies are counted and accepted', async () => {
    const records = chain();
    const twice = [...records, ...records.slice(2, 5), ...records.slice(2, 3)];
    expect(await reportOf(twice)).toMatchObject({ state: 'ended', records: LENGTH, copies: 4 });
  });

  test('Each session is checked separately', async () => {
    const mixed = chain().flatMap((record, index) => [record, chain(OTHER)[index] as AnyRecord]);
    mixed.splice(3, 1);
    expect(await reportOf(mixed)).toMatchObject({ state: 'ended' });
    expect(await reportOf(mixed, { session: OTHER })).toMatchObject({
      state: 'broken',
      broken: { index: 1 },
    });
  });
});

describe('the first broken link', () => {
  const contents: [string, unknown][] = [
    ['auditId', '99999999-0000-4000-8000-000000000003'],
    ['time', '2026-11-20T09:30:03.001Z'],
    ['service', 'ingester'],
    ['action', 'event.quarantined'],
    ['protocol', 'analytics-events'],
    ['eventId', 'e-3'],
    ['sequence', 4],
    ['latencyMs', 13],
    ['sha256', `${'ab'.repeat(31)}ac`],
    ['previous', '0'.repeat(64)],
    ['previous', null],
    ['hash', '0'.repeat(64)],
    ['reason', 'added'],
    ['eventId', undefined],
  ];
  test('Every field of a record is among those that are changed', () => {
    const names = new Set([...contents.map(([name]) => name), 'session', 'index']);
    expect(Object.keys(chain()[3] as AnyRecord).filter((name) => !names.has(name))).toEqual([]);
  });

  test.each(contents)('A record whose %s was changed to %s is altered', async (name, value) => {
    for (const at of [0, 3, LENGTH - 1]) {
      const records = changed(chain(), at, { [name]: value });
      if (JSON.stringify(records) === JSON.stringify(chain())) continue;
      const { broken } = await reportOf(records);
      expect(broken).toMatchObject({ kind: 'altered', index: at, line: at + 1 });
    }
  });

  test('A record that was moved to another index leaves a gap', async () => {
    const { broken } = await reportOf(changed(chain(), 3, { index: 100 }));
    expect(broken).toMatchObject({ kind: 'missing', index: 3, line: 5 });
    const earlier = await reportOf(changed(chain(), 3, { index: 1 }));
    expect(earlier.broken).toMatchObject({ kind: 'altered', index: 1, line: 4 });
  });

  test('A record that was moved to another session leaves a gap, and does not fit there', async () => {
    const records = [...changed(chain(), 3, { session: OTHER }), ...chain(OTHER).slice(0, 3)];
    expect((await reportOf(records)).broken).toMatchObject({ kind: 'missing', index: 3 });
    const there = await reportOf(records, { session: OTHER });
    expect(there.broken).toMatchObject({ kind: 'altered', index: 3, line: 4 });
  });

  test('A missing record is reported, regardless of its position', async () => {
    for (let at = 0; at < LENGTH - 1; at++) {
      const { broken } = await reportOf(chain().toSpliced(at, 1));
      expect(broken).toMatchObject({ kind: 'missing', index: at, line: at + 1 });
    }
  });

  test('Consecutive missing records are reported together, and only the first gap is reported', async () => {
    const { broken } = await reportOf(chain().filter((_, index) => ![2, 3, 6].includes(index)));
    expect(broken).toMatchObject({ kind: 'missing', index: 2 });
    expect(broken?.text).toContain('Records 2 to 3 are missing');
  });

  test('A record that was replaced, with a hash that fits its new content, breaks the link after it', async () => {
    const replaced = { ...chain()[3], sha256: 'cd'.repeat(32) } as AnyRecord;
    const { broken } = await reportOf(changed(chain(), 3, { ...replaced, hash: hashOf(replaced) }));
    expect(broken).toMatchObject({ kind: 'detached', index: 4, line: 5 });
  });

  test('Two records whose indexes were exchanged, with hashes that fit, break the link before them', async () => {
    const records = chain();
    const swap = (from: number, to: number) => {
      const moved = { ...records[from], index: to } as AnyRecord;
      return { ...moved, hash: hashOf(moved) };
    };
    const swapped = records.toSpliced(3, 2, swap(4, 3), swap(3, 4));
    expect((await reportOf(swapped)).broken).toMatchObject({ kind: 'detached', index: 3 });
  });

  test('A second, different record with an index is a conflict', async () => {
    const other = { ...chain()[3], latencyMs: 99 } as AnyRecord;
    const { broken } = await reportOf([...chain(), { ...other, hash: hashOf(other) }]);
    expect(broken).toMatchObject({ kind: 'conflict', index: 3, line: LENGTH + 1 });
    expect(broken?.text).toContain('line 4');
  });

  test('An altered copy of a record does not count as a copy', async () => {
    const { broken, copies } = await reportOf([...chain(), { ...chain()[3], latencyMs: 99 }]);
    expect(broken).toMatchObject({ kind: 'altered', index: 3, line: LENGTH + 1 });
    expect(copies).toBe(0);
  });

  test('A record after the last one of the session does not belong there', async () => {
    const more = { ...chain()[1], index: LENGTH, previous: chain().at(-1)?.hash } as AnyRecord;
    const { broken } = await reportOf([...chain(), { ...more, hash: hashOf(more) }]);
    expect(broken).toMatchObject({ kind: 'after end', index: LENGTH });
  });

  test('The first records may be missing if that is allowed, but no others', async () => {
    const part = chain().slice(3);
    expect((await reportOf(part)).broken).toMatchObject({ kind: 'missing', index: 0 });
    expect(await reportOf(part, { allowMissingStart: true })).toMatchObject({ state: 'ended' });
    const holed = await reportOf(part.toSpliced(2, 1), { allowMissingStart: true });
    expect(holed.broken).toMatchObject({ kind: 'missing', index: 5 });
    const altered = await reportOf(changed(part, 0, { latencyMs: 0 }), { allowMissingStart: true });
    expect(altered.broken).toMatchObject({ kind: 'altered', index: 3 });
  });

  test('A record that is nested too deeply counts as altered, and is not an error', async () => {
    let deep: object = {};
    for (let level = 0; level < 200; level++) deep = { deep };
    expect((await reportOf(changed(chain(), 2, { deep }))).broken).toMatchObject({
      kind: 'altered',
      index: 2,
    });
  });
});

describe('files as CloudWatch Logs exports them', () => {
  const events = chain().map((record, index) => ({
    logStreamName: `consumer/${SESSION}`,
    timestamp: index,
    message: JSON.stringify(record),
    eventId: String(index),
  }));
  const stamp = '2026-11-20T09:30:00';
  const files: [string, string][] = [
    ['filter-log-events', JSON.stringify({ events, searchedLogStreams: [] }, null, 4)],
    ['filter-log-events on one line', JSON.stringify({ events })],
    [
      'get-log-events',
      JSON.stringify({ events, nextForwardToken: 'f/1', nextBackwardToken: 'b/1' }, null, 4),
    ],
    [
      'several pages one after another',
      [events.slice(0, 3), events.slice(3)]
        .map((page) => JSON.stringify({ events: page }, null, 4))
        .join('\n'),
    ],
    [
      'aws logs tail',
      events.map(({ message }) => `${stamp}.123000+00:00 consumer/${SESSION} ${message}`).join('\n'),
    ],
    ['aws logs tail --format short', events.map(({ message }) => `${stamp} ${message}`).join('\n')],
    [
      'aws logs tail --format json',
      chain()
        .map((record) => `${stamp} consumer/${SESSION} ${JSON.stringify(record, null, 4)}`)
        .join('\n'),
    ],
    ['export to S3', events.map(({ message }) => `${stamp}.123Z ${message}`).join('\n')],
    ['text output', events.map(({ message }, index) => `EVENTS\t${index}\t${message}\t${index}`).join('\n')],
    ['lines with empty lines', `\n${asLines(chain())}\n\n`],
  ];

  test.each(files)('Records of %s are read, and a gap is found', async (_, text) => {
    const report = await check(text);
    expect(report).toMatchObject({ unreadable: [], sessions: [{ state: 'ended', records: LENGTH }] });
    const renumbered = await check(text.replaceAll(/(\\?"eventId\\?":\s?\\?")é-3/g, '$1x'));
    expect(renumbered.sessions).toMatchObject([{ state: 'broken', broken: { kind: 'altered', index: 3 } }]);
  });
});

describe('lines that cannot be read', () => {
  test('Each is reported with its number and problem, and the other lines are checked', async () => {
    const lines = asLines(chain()).split('\n');
    lines.splice(2, 0, 'no JSON', '{"broken"', '{"level":"INFO","message":"a log line"}', '["session"]');
    lines.push(JSON.stringify({ ...chain()[0], index: '0' }), JSON.stringify({ events: [{ message: 'x' }] }));
    const { unreadable, sessions } = await check(lines.join('\n'));
    expect(unreadable).toEqual([
      { line: 3, problem: 'it contains no JSON object' },
      { line: 4, problem: 'it is not valid JSON' },
      { line: 5, problem: 'it is not an audit record' },
      { line: 6, problem: 'it contains no JSON object' },
      { line: LENGTH + 5, problem: 'its fields index are missing or have the wrong type' },
      { line: LENGTH + 6, problem: 'the message of its event 1 is not an audit record' },
    ]);
    expect(sessions).toMatchObject([{ state: 'ended', records: LENGTH }]);
  });

  test('A JSON document without an end is reported with its first line', async () => {
    const { unreadable } = await check('{\n  "events": [');
    expect(unreadable).toEqual([{ line: 1, problem: 'the JSON document that begins here has no end' }]);
  });
});

describe.concurrent('switchboard audit verify', () => {
  const directory = mkdtempSync(join(tmpdir(), 'audit-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const fileWith = (name: string, content: string | Buffer) => {
    const file = join(directory, name);
    writeFileSync(file, content);
    return file;
  };
  const verify = (...options: string[]) => switchboard(['audit', 'verify', ...options]).ended;

  test('A file without a broken link ends with exit code 0', async () => {
    const { code, stdout } = await verify(fileWith('sound.jsonl', asLines([...chain(), ...chain(OTHER, 3)])));
    expect(stdout).toContain('11 records of 2 sessions');
    expect(stdout).toContain('No broken link.');
    expect(code).toBe(0);
  });

  test('The records of a local run have no broken link', async () => {
    const file = join(directory, 'run.jsonl');
    const flags = ['--events', '300', '--rate', '1000', '--audit', 'all', '--audit-file', file];
    const run = await switchboard(['local', ...flags, '--exit', '--health-port', '0']).ended;
    expect(run.code, run.stderr).toBe(0);
    const { code, stdout } = await verify('--json', file);
    expect(code).toBe(0);
    const { sessions } = JSON.parse(stdout) as AuditReport;
    expect(sessions.map(({ service }) => service)).toContain('consumer');
    expect(sessions).toContainEqual(expect.objectContaining({ service: 'ingester', state: 'ended' }));
  });

  test('A broken link is reported, with exit code 1', async () => {
    const { code, stdout } = await verify(fileWith('holed.jsonl', asLines(chain().toSpliced(3, 1))));
    expect(stdout).toContain(`consumer session ${SESSION}`);
    expect(stdout).toContain('BROKEN at line 4: Record 3 is missing before line 4.');
    expect(code).toBe(1);
  });

  test('The JSON report also names the broken link', async () => {
    const file = fileWith('altered.jsonl.gz', gzipSync(asLines(changed(chain(), 3, { latencyMs: 0 }))));
    const { code, stdout } = await verify('--json', file);
    expect(JSON.parse(stdout)).toMatchObject({
      sound: false,
      sessions: [{ session: SESSION, state: 'broken', broken: { kind: 'altered', index: 3, line: 4 } }],
      unreadable: [],
    });
    expect(code).toBe(1);
  });

  test('An unreadable line is reported, with exit code 1', async () => {
    const { code, stdout } = await verify(fileWith('text.jsonl', `${asLines(chain())}\nno JSON`));
    expect(stdout).toContain(`Line ${LENGTH + 1} cannot be read: it contains no JSON object.`);
    expect(code).toBe(1);
  });

  test('Control characters of a record are not printed', async () => {
    const { stdout } = await verify(
      fileWith('control.jsonl', asLines(changed(chain(), 0, { service: 'a\u001b[2J' }))),
    );
    expect(stdout).toContain('a [2J session');
    expect(stdout).not.toContain('\u001b');
  });

  test('A file that does not exist or is empty is an error', async () => {
    const absent = await verify(join(directory, 'absent.jsonl'));
    expect(absent.code).toBe(1);
    expect(absent.stderr).toContain('ENOENT');
    const empty = await verify(fileWith('empty.jsonl', ''));
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain('contains no audit records');
  });
});
