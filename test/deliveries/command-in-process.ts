import type { Command } from 'commander';
import { vi } from 'vitest';
import { redact } from '../../lib/events/redaction.ts';
import type { ChildResult } from '../end-to-end/child.ts';

/**
 * Runs a command as `bin/switchboard.ts` does, without a process: it takes a tenth of the CPU time. Use a process for
 * signals, and at least once for each command.
 */
export async function runInProcess(
  create: (print: (text: string) => Promise<void>) => Command,
  flags: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ChildResult> {
  let stdout = '';
  let stderr = '';
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const earlier = process.exitCode;
  process.exitCode = undefined;
  try {
    const command = create(async (text) => {
      stdout += text;
    });
    for (const one of [command, ...command.commands])
      one.exitOverride().configureOutput({ writeErr: (text) => (stderr += text) });
    await command.parseAsync(flags, { from: 'user' });
  } catch (error) {
    process.exitCode = 1;
    const isOfCommander = (error as { code?: string }).code?.startsWith('commander.');
    if (!isOfCommander) stderr += `${redact(error instanceof Error ? error.message : String(error))}\n`;
  } finally {
    write.mockRestore();
    vi.unstubAllEnvs();
  }
  const code = Number(process.exitCode ?? 0);
  process.exitCode = earlier;
  return { code, stdout, stderr };
}
