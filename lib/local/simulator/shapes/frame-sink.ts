import { FRAME_VERSION, type Frame } from '../frame.ts';

/** Collects the frames that subscribers can receive. */
export class FrameSink {
  /** Template → what stands before and after its id. */
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

  /** Whether anyone can receive frames of this template; asked before a body is made in vain. */
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

  /** The oldest frame not taken yet. */
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
