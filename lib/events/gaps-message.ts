import * as z from 'zod';

const gapsMessageSchema = z.object({
  v: z.literal(1),
  /** Id of a recorded gap. Without it, the message only says that a round is due. */
  gapId: z.string().min(1).optional(),
});

/** The body of a message on the gaps queue. It only wakes the backfill, which relies on the gap records. */
export function gapsMessage(gapId?: string): string {
  return JSON.stringify({ v: 1, gapId } satisfies z.infer<typeof gapsMessageSchema>);
}

/** The gap that a message names; undefined if it names none or cannot be parsed. */
export function gapIdIn(body: string): string | undefined {
  try {
    return gapsMessageSchema.parse(JSON.parse(body)).gapId;
  } catch {
    return undefined;
  }
}
