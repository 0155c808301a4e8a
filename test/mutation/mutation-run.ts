/**
 * Mutation tests: changes the code in small ways, one at a time, and requires that a test fails each time.
 *
 * `node test/mutation/mutation-run.ts`              all files
 * `node test/mutation/mutation-run.ts FILE...`      these files
 * `node test/mutation/mutation-run.ts --changed`    the files that differ from the commit before, one after the other
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { Stryker } from '@stryker-mutator/core';

/** With `--changed`, no other file is begun after this time. */
const MAX_CHANGED_MS = 600_000;

interface Group {
  readonly name: string;
  /** Globs of the code. */
  readonly code: readonly string[];
  /** Globs of its tests: without those that explore many histories, which take long and find no more. */
  readonly tests: readonly string[];
}

/** Only the tests of a group run against a mutant of its code. */
const GROUPS: readonly Group[] = [
  {
    name: 'decisions',
    code: ['functions/consumer/{decisions,consumer-config}.ts'],
    tests: ['test/consumer/{decisions,consumer-config}.test.ts'],
  },
  {
    name: 'consumer',
    code: ['functions/consumer/!(decisions|consumer-config).ts'],
    tests: ['test/consumer/!(properties|protocol-model|fuzz).test.ts'],
  },
  { name: 'events', code: ['lib/events/*.ts'], tests: ['test/events/*.test.ts'] },
  {
    name: 'sending',
    code: ['functions/ingester/{batcher,item-buffer,cursor-commits}.ts'],
    tests: ['test/ingester/{batcher,item-buffer,cursor-commits}.test.ts'],
  },
  {
    name: 'overlap',
    code: ['functions/ingester/{one-speaker,read-progress}.ts'],
    tests: ['test/ingester/{one-speaker,transport-liveness}.test.ts'],
  },
  {
    name: 'backfill',
    code: ['functions/backfill/{fill,live-edges,topic-families}.ts'],
    tests: ['test/backfill/{fill,live-edges,topic-families}.test.ts'],
  },
  {
    name: 'delivery',
    code: ['functions/delivery/{circuit,outcomes,retry-delay}.ts'],
    tests: ['test/delivery/{circuit,outcomes,retry-delay}.test.ts'],
  },
  {
    name: 'ends',
    code: ['functions/ingester/protocols/end-table.ts', 'functions/ingester/protocols/**/*-ends.ts'],
    tests: ['test/ingester/{end-table,channel-ends}.test.ts'],
  },
  {
    name: 'supervisor',
    code: ['functions/ingester/supervisor.ts'],
    tests: ['test/ingester/{connector,subscription-change,supervisor,supervisor-stop}.test.ts'],
  },
  {
    name: 'coverage',
    code: [
      'functions/ingester/{coverage,topic-periods,subscription-coverage,covered-spans,open-gap,start-gaps}.ts',
    ],
    tests: ['test/ingester/{coverage,coverage-processes,covered-spans,task-coverage}.test.ts'],
  },
];

const filesOf = ({ code }: Group) => globSync(code).sort();

/**
 * Fails the process below the score in `stryker.config.json`.
 *
 * @param reuse - `incremental` uses the results of earlier runs, among them those of mutants of constants that survived,
 * even if a new test kills them. `force` replaces the results of these files.
 */
async function run(
  { name, tests }: Group,
  files: readonly string[],
  reuse: { incremental: boolean; force?: boolean },
): Promise<void> {
  process.env.MUTATION_TESTS = JSON.stringify(tests);
  await new Stryker({
    mutate: [...files],
    ...reuse,
    incrementalFile: `.stryker-tmp/${name}.json`,
  }).runMutationTest();
}

async function runChanged(): Promise<void> {
  const output = execFileSync('git', ['diff', '--name-only', 'HEAD~1'], { encoding: 'utf8' });
  const changed = new Set(output.split('\n').filter((file) => existsSync(file)));
  const work = GROUPS.flatMap((group) =>
    filesOf(group)
      .filter((file) => changed.has(file))
      .map((file) => ({ group, file })),
  );
  if (work.length === 0) process.stdout.write('No file with mutation tests has changed.\n');
  const startedAtMs = performance.now();
  for (const { group, file } of work) {
    if (performance.now() - startedAtMs < MAX_CHANGED_MS) await run(group, [file], { incremental: false });
    else process.stdout.write(`Not tested, because the time is over: ${file}\n`);
  }
}

async function runFiles(wanted: readonly string[]): Promise<void> {
  for (const group of GROUPS) {
    const files = filesOf(group).filter((file) => wanted.length === 0 || wanted.includes(file));
    if (files.length > 0) await run(group, files, { incremental: true, force: wanted.length > 0 });
  }
}

const parameters = process.argv.slice(2);
await (parameters.includes('--changed') ? runChanged() : runFiles(parameters));
