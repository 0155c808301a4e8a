import { styleText } from 'node:util';
import type { BusEvent } from 'switchboard-local/emulator/eventbridge/bus-event.ts';

/** Characters of a body that a sample shows. */
const SAMPLE_CHARACTERS = 100;

/** What one line of progress tells. */
export interface Progress {
  seconds: number;
  /** Events that the simulated cloud sent; undefined with the real one, which does not say. */
  sent: number | undefined;
  received: number;
  published: number;
  duplicates: number;
  /** Events read and not yet on the bus. */
  lag: number;
  connections: number;
  faults: number;
}

/** Writes progress for people: plain text, colour only on a terminal. */
export class Display {
  /** Events that are shown at the start. */
  static readonly sampleEvents = 3;
  private readonly stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  line(text = ''): void {
    this.stream.write(`${text}\n`);
  }

  warn(text: string): void {
    this.line(this.style('yellow', text));
  }

  progress({ seconds, sent, received, published, duplicates, lag, connections, faults }: Progress): void {
    const parts = [
      `${String(seconds).padStart(4)} s`,
      ...(sent === undefined ? [] : [`sent ${sent}`]),
      `received ${received}`,
      this.style('green', `published ${published}`),
      `duplicates ${duplicates}`,
      `lag ${lag}`,
      `connections ${connections}`,
      faults > 0 ? this.style('yellow', `faults ${faults}`) : 'faults 0',
    ];
    this.line(parts.join('   '));
  }

  /** Show one of the first events on the bus. */
  sample(event: BusEvent): void {
    const body = JSON.stringify((event.detail as { eventBody?: unknown }).eventBody);
    const shown = body.length > SAMPLE_CHARACTERS ? `${body.slice(0, SAMPLE_CHARACTERS)}…` : body;
    this.line(`  ${this.style('cyan', event['detail-type'])}  ${this.style('dim', shown)}`);
  }

  heading(text: string): void {
    this.line(this.style('bold', text));
  }

  /** Rows of a name and a value, aligned. */
  table(rows: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) this.line(`  ${name.padEnd(width)}  ${value}`);
  }

  private style(format: Parameters<typeof styleText>[0], text: string): string {
    return styleText(format, text, { stream: this.stream });
  }
}
