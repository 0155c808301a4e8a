import * as z from 'zod';

const gapsMessageSchema = z.object({
  v: z.literal(1),
  /** Id of a gap that was recorded. Without it, the message only says that a round is due. */
  gapId: z.string().min(1).optional(),
});

/** The body of a message on the gaps queue. It only wakes the backfill: the gap records are what counts. */
export function gapsMessage(gapId?: string): string {
  return JSON.stringify({ v: 1, gapId } satisfies z.infer<typeof gapsMessageSchema>);
}

/** The gap that a message names; undefined if it names none or is not readable. */
export function gapIdIn(body: string): string | undefined {
  try {
    return gapsMessageSchema.parse(JSON.parse(body)).gapId;
  } catch {
    return undefined;
  }
}
