import type { StreamRequest } from '../../lib/genesys/event-streams.ts';
import { conditionProblems } from '../../lib/genesys/routing-condition.ts';
import { StreamsError } from './streams-error.ts';

/** Hosts to which events may be sent without TLS, because the events do not leave this machine. */
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** The user's definition of a stream. */
export interface StreamFlags {
  name: string;
  description: string;
  url: string;
  /** Conditions. */
  rule: readonly string[];
}

/**
 * Checks the definition of a stream, and completes it.
 *
 * @param secret - signing secret in hexadecimal
 * @throws {@link StreamsError} that lists all problems
 */
export function streamDefinition(
  { name, description, url, rule }: StreamFlags,
  secret: string,
): StreamRequest {
  const problems = [
    ...(name.trim() === '' ? ['--name is empty'] : []),
    ...urlProblems(url),
    ...(rule.length === 0
      ? ['there is no --rule; a stream without a condition would stream the whole organization']
      : []),
    ...rule.flatMap((condition) => conditionProblems(condition).map((problem) => `--rule: ${problem}`)),
  ];
  if (problems.length > 0) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    throw new StreamsError(
      'invalid_definition',
      `The stream has ${problems.length} problem(s), so it was not created:\n${list}`,
    );
  }
  return {
    name,
    description,
    enabled: true,
    destination: { type: 'webhook', url, secret },
    routingRules: rule.map((condition, index) => ({
      name: `rule ${index + 1}`,
      condition: condition.trim(),
      enabled: true,
    })),
  };
}

function urlProblems(url: string): string[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed) return [`--url ${url} is not a URL`];
  if (parsed.protocol === 'https:') return [];
  if (parsed.protocol === 'http:' && LOOPBACK_HOSTS.has(parsed.hostname)) return [];
  return [`--url ${url} is not an https URL`];
}
