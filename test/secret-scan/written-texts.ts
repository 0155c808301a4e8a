import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, isOfProduct } from './error-texts.ts';
import { type Finding, findSecrets, searchFor, type WrittenText } from './secret-search.ts';

/** The directory in which child processes record; set for them by the process that runs the tests. */
export const DIRECTORY_VARIABLE = 'SECRET_SCAN_DIRECTORY';

/** What a process knows and has written. */
export interface Records {
  secret(secret: string): void;
  text(origin: string, text: string): void;
  /** An error was made. Its causes and fields may be set later. */
  error(error: Error): void;
}

/** Records in memory. */
export class MemoryRecords implements Records {
  private readonly secrets = new Set<string>();
  private texts: WrittenText[] = [];
  private errors: Error[] = [];
  /** Characters that were read, by file. */
  private readonly read = new Map<string, number>();

  secret(secret: string): void {
    this.secrets.add(secret);
  }

  text(origin: string, text: string): void {
    this.texts.push({ origin, text });
  }

  error(error: Error): void {
    this.errors.push(error);
  }

  /** Forget all of it: another test file begins. */
  clear(): void {
    this.secrets.clear();
    this.read.clear();
    this.texts = [];
    this.errors = [];
  }

  /** The secrets in what was written since the last time. */
  takeFindings(): Finding[] {
    const { texts, errors, secrets } = this;
    this.texts = [];
    this.errors = [];
    // Whose code made an error is only determined for those with a secret, because it takes long.
    const search = searchFor(secrets);
    const leaking = errors.filter(
      (error) => secrets.size > 0 && search(describeError(error)) !== undefined && isOfProduct(error),
    );
    const ofErrors = leaking.map((error) => ({ origin: `error ${error.name}`, text: describeError(error) }));
    return findSecrets(secrets, [...texts, ...ofErrors]);
  }

  /** Add what the child processes that use this directory have recorded since the last time. */
  addFrom(directory: string): void {
    for (const name of readdirSync(directory)) {
      const content = readFileSync(join(directory, name), 'utf8');
      // The process can be writing a line, or was killed while it did.
      const end = content.lastIndexOf('\n') + 1;
      const lines = content.slice(this.read.get(name), end).split('\n').slice(0, -1);
      this.read.set(name, end);
      for (const line of lines) {
        const record = JSON.parse(line) as { secret: string } | WrittenText;
        if ('secret' in record) this.secret(record.secret);
        else this.text(`child process, ${record.origin}`, record.text);
      }
    }
  }
}

/** Records in a file at once, because the process can be killed. */
export class FileRecords implements Records {
  private readonly file: string;
  private errors: Error[] = [];

  constructor(directory: string) {
    this.file = join(directory, `${process.pid}-${Date.now()}.jsonl`);
  }

  secret(secret: string): void {
    this.append({ secret });
  }

  text(origin: string, text: string): void {
    this.append({ origin, text });
  }

  error(error: Error): void {
    this.errors.push(error);
  }

  /** Writes the errors that were made. */
  flush(): void {
    for (const error of this.errors.splice(0))
      if (isOfProduct(error)) this.text(`error ${error.name}`, describeError(error));
  }

  private append(record: object): void {
    appendFileSync(this.file, `${JSON.stringify(record)}\n`);
  }
}
