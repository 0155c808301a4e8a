import { styleText } from 'node:util';
import type { BusEvent } from 'switchboard-local/emulator/eventbridge/bus-event.ts';

const LINE_WIDTH = 80;
/** The header is repeated after this many lines of progress. */
const HEADER_INTERVAL_LINES = 20;

/** One line of progress. */
export interface Progress {
  seconds: number;
  /** Events that the simulated cloud sent. Undefined with the real one, which does not report it. */
  sent: number | undefined;
  received: number;
  published: number;
  /** Events that the destination accepted. Undefined without `--deliver`. */
  delivered: number | undefined;
  duplicates: number;
  /** Events received but not on the bus yet. */
  lag: number;
  connections: number;
  faults: number;
  /** Failed invocations of the consumer. */
  errors: number;
}

/** Columns of the progress table, in 80 characters without `delivered`. */
const COLUMNS = [
  'sent',
  'received',
  'published',
  'delivered',
  'duplicates',
  'lag',
  'connections',
  'faults',
  'errors',
] as const;
const MARGIN = 1;
const MIN_COLUMN_WIDTH = 7;
/** Counts of events have up to eight digits. */
const EVENT_COLUMN_WIDTH = 9;
const TIME_WIDTH = 6;

/** Writes progress and results as plain text, with color on a terminal only. */
export class ProgressDisplay {
  /** Number of events shown at the start. */
  static readonly sampleEvents = 3;
  private readonly stream: NodeJS.WriteStream;
  private progressLines = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  line(text = ''): void {
    this.stream.write(`${text}\n`);
  }

  warn(text: string): void {
    this.line(this.style('yellow', text));
  }

  success(text: string): void {
    this.line(this.style('green', text));
  }

  failure(text: string): void {
    this.line(this.style('red', text));
  }

  heading(text: string): void {
    this.line(this.style('bold', text));
  }

  /** Writes a row of the progress table, and repeats the header periodically. */
  progress(progress: Progress): void {
    const columns = COLUMNS.filter((name) => progress[name] !== undefined);
    if (this.progressLines === 0) this.line();
    if (this.progressLines++ % HEADER_INTERVAL_LINES === 0) {
      const names = columns.map((name) => name.padStart(columnWidth(name)));
      this.line(this.style('dim', `${'time'.padStart(TIME_WIDTH)}${names.join('')}`));
    }
    const cells = columns.map((name) => {
      const cell = String(progress[name]).padStart(columnWidth(name));
      if (name === 'published') return this.style('green', cell);
      if (name === 'errors' && progress.errors > 0) return this.style('red', cell);
      return name === 'faults' && progress.faults > 0 ? this.style('yellow', cell) : cell;
    });
    this.line(`${`${progress.seconds} s`.padStart(TIME_WIDTH)}${cells.join('')}`);
  }

  /** Shows one of the first events on the bus, truncated to one line. */
  sample(event: BusEvent): void {
    const type = event['detail-type'];
    const body = JSON.stringify((event.detail as { eventBody?: unknown }).eventBody);
    const width = LINE_WIDTH - type.length - 4;
    const shown = body.length > width ? `${body.slice(0, width - 1)}…` : body;
    this.line(`  ${this.style('cyan', type)}  ${this.style('dim', shown)}`);
  }

  /** Writes rows of a name and a value, aligned. Long values continue on the next line. */
  table(rows: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) {
      const [first = '', ...more] = wrap(value, LINE_WIDTH - width - 4);
      this.line(`  ${name.padEnd(width)}  ${first}`);
      for (const text of more) this.line(`  ${''.padEnd(width)}  ${text}`);
    }
  }

  /** Writes aligned rows of cells. The first row contains the column names, and the first cell of a row is text. */
  columns(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
    for (const [index, row] of rows.entries()) {
      const cells = row.map((cell, at) =>
        at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      );
      const line = `  ${cells.join('  ')}`;
      this.line(index === 0 ? this.style('dim', line) : line);
    }
  }

  private style(format: Parameters<typeof styleText>[0], text: string): string {
    return styleText(format, text, { stream: this.stream });
  }
}

function columnWidth(name: string): number {
  const minWidth = name === 'sent' || name === 'lag' ? EVENT_COLUMN_WIDTH : MIN_COLUMN_WIDTH;
  return Math.max(minWidth, name.length + MARGIN);
}

/** Wraps text at spaces into lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && joined.length > width) lines.push(word);
    else lines.splice(-1, 1, joined);
  }
  return lines;
}
