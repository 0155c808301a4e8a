import { type Frame, frameText } from 'switchboard-local/simulator/frame.ts';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';

const USERS = 50;
const QUEUES = 10;

/** Creates a generator of distinct events, about 1.3 KB each, for all topics of the simulator. */
export function eventSource(seed: number): () => Frame {
  const ids = (first: string, count: number) =>
    Array.from(
      { length: count },
      (_, index) => `${first}0000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    );
  const generator = new Generator(
    { userIds: ids('1', USERS), queueIds: ids('2', QUEUES) },
    { seed, topics: GENERATED_TOPICS },
  );
  return () => generator.next();
}

/** The same as frames of notification channels. */
export function frameSource(seed: number): () => string {
  const next = eventSource(seed);
  return () => {
    const frame = next();
    return frameText(frame, JSON.stringify(frame.eventBody));
  };
}
