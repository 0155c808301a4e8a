import { resolve } from 'node:path';

const ROOT = `${resolve(import.meta.dirname, '../..')}/`;
/** Causes of an error that are described. */
const MAX_CAUSES = 8;

/** The messages and fields of an error and of its causes. */
export function describeError(error: Error): string {
  const parts: string[] = [];
  for (let current: unknown = error; parts.length < MAX_CAUSES && current !== undefined; ) {
    const { message, cause, ...fields } = Object(current) as Error & Record<string, unknown>;
    const plain = Object.values(fields).filter((field) => typeof field !== 'object');
    parts.push([message, ...plain].map(String).join('\n'));
    current = cause;
  }
  return parts.join('\n');
}

/** Whether code of the product or of its command line has made an error: the innermost frame outside of this folder. */
export function isOfProduct({ stack }: Error): boolean {
  const frames = String(stack)
    .split('\n')
    .filter((line) => /^ {4}at /.test(line));
  const frame = frames.find((one) => !one.includes('/test/secret-scan/collect')) ?? '';
  const path = frame.slice(frame.indexOf(ROOT) + ROOT.length);
  return frame.includes(ROOT) && /^(?:functions|bin|lib)\//.test(path) && !path.startsWith('lib/local/');
}
