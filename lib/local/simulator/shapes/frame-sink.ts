import { FRAME_VERSION, type Frame } from '../frame.ts';

/** Collects frames of the chosen topics. */
export class FrameSink {
  /** Template → the parts before and after its id. */
  private readonly templates: ReadonlyMap<string, readonly [string, string]>;
  private frames: Frame[] = [];
  private next = 0;

  /** @param templates topics with `{id}` */
  constructor(templates: readonly string[]) {
    this.templates = new Map(
      templates.map((template) => {
        const [before = '', after = ''] = template.split('{id}');
        return [template, [before, after]];
      }),
    );
  }

  /** Whether frames of this template are collected. Check it before you build a body. */
  wants(template: string): boolean {
    return this.templates.has(template);
  }

  push(template: string, id: string, eventBody: unknown, correlationId: string): void {
    const parts = this.templates.get(template);
    if (parts === undefined) return;
    this.frames.push({
      topicName: `${parts[0]}${id}${parts[1]}`,
      version: FRAME_VERSION,
      eventBody,
      metadata: { CorrelationId: correlationId },
    });
  }

  /** Removes and returns the oldest frame. */
  shift(): Frame | undefined {
    const frame = this.frames[this.next];
    this.next += 1;
    if (frame === undefined) {
      this.frames = [];
      this.next = 0;
    }
    return frame;
  }
}
