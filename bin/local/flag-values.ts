import { InvalidArgumentError } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../../lib/aws/logger.ts';
import { contentRedactionSetting } from '../../lib/events/content-rules.ts';
import { topicProblems } from '../../lib/genesys/configured-topics.ts';
import { type FaultChoice, parseFaults } from './fault-options.ts';

/** A parser of numbers from `min` to `max`. It throws InvalidArgumentError for any other value. */
export function number(min: number, max: number, { whole = true } = {}) {
  return (text: string): number => {
    const value = Number(text);
    if (
      text.trim() === '' ||
      !Number.isFinite(value) ||
      value < min ||
      value > max ||
      (whole && !Number.isInteger(value))
    ) {
      throw new InvalidArgumentError(`Specify a ${whole ? 'whole ' : ''}number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A URL to deliver events to. @throws InvalidArgumentError if it is not HTTP or HTTPS, or contains a password */
export function deliveryUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('Specify a URL such as http://127.0.0.1:8080/events.');
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('Specify a URL without a user name and a password.');
  return text;
}

const MIN_SPEED = 0.01;
const MAX_SPEED = 100_000;

/** A speed, or `max` for Infinity. @throws InvalidArgumentError for any other value */
export function replaySpeed(text: string): number {
  return text === 'max' ? Number.POSITIVE_INFINITY : number(MIN_SPEED, MAX_SPEED, { whole: false })(text);
}

/** @throws InvalidArgumentError that lists the valid names */
export function faultChoice(text: string): FaultChoice {
  try {
    return parseFaults(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws InvalidArgumentError that lists all problems */
export function topicList(text: string): string[] {
  const topics = text.split(',').flatMap((topic) => topic.trim() || []);
  const problems = topics.length === 0 ? ['specify at least one topic'] : topicProblems(topics);
  if (problems.length > 0) throw new InvalidArgumentError(problems.join('; '));
  return topics;
}

/** A value of the variable `REDACTION`, unchanged. @throws InvalidArgumentError that lists all problems */
export function redaction(text: string): string {
  const { error } = contentRedactionSetting.safeParse(text);
  if (error) throw new InvalidArgumentError(error.issues.map(({ message }) => message).join('; '));
  return text;
}

/** @throws InvalidArgumentError that lists the valid levels */
export function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text.toUpperCase());
  if (!level) throw new InvalidArgumentError(`Use one of ${LOG_LEVELS.join(', ').toLowerCase()}.`);
  return level;
}
