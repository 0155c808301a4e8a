import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { unhashed } from '../cdk/test-deployment.ts';
import type { Finding } from './security-document.ts';

const run = promisify(execFile);
/** The report of all templates has about 300 KB. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** W3005: a dependency that a reference implies. The CDK adds one to every function. */
const IGNORED_RULES = ['W3005'];

/** What checkov reports about a framework. */
interface CheckovReport {
  summary: { passed: number; parsing_errors: number };
  results: { failed_checks: { check_id: string; resource: string; file_path: string }[] };
}

/** A failed check, and the name of the file in which it failed. */
export interface FileFinding extends Finding {
  readonly file: string;
}

/** @returns one line per finding of cfn-lint: errors, warnings and information */
export async function lint(templates: readonly string[]): Promise<string[]> {
  const { stdout, code } = await exitCodeOf('cfn-lint', [
    '--format',
    'parseable',
    '--ignore-checks',
    ...IGNORED_RULES,
    '--',
    ...templates,
  ]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  if (code !== 0 && lines.length === 0) throw new Error(`cfn-lint ended with code ${code} without a finding`);
  return lines;
}

/** @returns the failed checks of checkov, each once per resource and file */
export async function scan(templates: readonly string[], dockerfile: string): Promise<FileFinding[]> {
  const files = [...templates, dockerfile].flatMap((file) => ['--file', file]);
  const { stdout } = await run(
    'checkov',
    [
      ...files,
      ...['--framework', 'cloudformation', 'dockerfile'],
      ...['--output', 'json', '--compact', '--quiet', '--soft-fail', '--skip-download'],
    ],
    { maxBuffer: MAX_OUTPUT_BYTES },
  );
  const reports = [JSON.parse(stdout)].flat() as CheckovReport[];
  for (const { summary } of reports)
    if (summary.passed === 0 || summary.parsing_errors > 0)
      throw new Error(`checkov could not read every file: ${JSON.stringify(summary)}`);
  if (reports.length !== 2) throw new Error(`checkov returned ${reports.length} reports`);
  return reports.flatMap(({ results }) =>
    results.failed_checks.map(({ check_id: check, resource, file_path: file }) => ({
      check,
      resource: plainResource(resource),
      file: basename(file),
    })),
  );
}

/** `AWS::S3::Bucket.OversizeBucketF8654BB6` becomes `OversizeBucket`. In a Dockerfile the resource is its path. */
function plainResource(resource: string): string {
  return unhashed(resource.replace(/^AWS::\w+::\w+\./, '').replace(/\.$/, ''));
}

async function exitCodeOf(
  program: string,
  parameters: readonly string[],
): Promise<{ stdout: string; code: number }> {
  try {
    const { stdout } = await run(program, [...parameters], { maxBuffer: MAX_OUTPUT_BYTES });
    return { stdout, code: 0 };
  } catch (error) {
    const { stdout, code } = error as { stdout?: string; code?: unknown };
    if (typeof code !== 'number' || stdout === undefined) throw error;
    return { stdout, code };
  }
}
