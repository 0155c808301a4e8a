import { isIPv4 } from 'node:net';
import { LocalDeploymentError } from './local-deployment-error.ts';

/** Time for the stand-in to answer anything at all. */
const ANSWER_LIMIT_MS = 5_000;
/** Names that stand for this machine; the second is LocalStack's, whose public address is 127.0.0.1. */
const LOCAL_NAMES = ['localhost', 'localhost.localstack.cloud'];
/** Would lead requests elsewhere, or real credentials to them. */
const LEADING_ELSEWHERE = /^(AWS_.*|(HTTPS?|ALL)_PROXY)$/i;
/** Every stand-in takes these, and AWS does not. */
export const DUMMY_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;
export const REGION = 'us-east-1';
/** The account of whoever has dummy credentials, in every stand-in. */
export const ACCOUNT = '000000000000';

const HOW_TO_START = `Start a stand-in for AWS, for example:

  MiniStack (Python 3), started and ended with the command:
    bash test/ministack/start.sh npm run deploy:local

  LocalStack (Docker):
    docker compose up --detach --wait
    AWS_ENDPOINT_URL=http://127.0.0.1:4566 npm run deploy:local`;

/**
 * The stand-in that the environment names.
 *
 * @returns its base URL. Over plain HTTP this machine is called 127.0.0.1, for with an address S3 clients put the
 * bucket in the path instead of the host name
 * @throws LocalDeploymentError where there is none, or it is not on this machine
 */
export function localEndpoint(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment.AWS_ENDPOINT_URL;
  if (!given) throw new LocalDeploymentError('no_endpoint', `AWS_ENDPOINT_URL is not set. ${HOW_TO_START}`);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || !isLocal(url.hostname)) {
    throw new LocalDeploymentError(
      'endpoint_not_local',
      `AWS_ENDPOINT_URL is ${given}, and this command only deploys to this machine: give an http(s) URL with 127.0.0.1, [::1], localhost or localhost.localstack.cloud. To deploy to AWS, use npx cdk deploy.`,
    );
  }
  if (url.protocol === 'http:' && !isAddress(url.hostname)) url.hostname = '127.0.0.1';
  return url.origin;
}

/**
 * The environment for programs that talk to the stand-in: the given one without anything that could lead to AWS, and
 * with credentials that AWS does not know.
 */
export function localEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  endpoint: string,
): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(([name]) => !LEADING_ELSEWHERE.test(name));
  return { ...Object.fromEntries(kept), ...localAws(endpoint) };
}

/** What the AWS clients of any language read. */
export function localAws(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: DUMMY_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: DUMMY_CREDENTIALS.secretAccessKey,
    // Profiles could name other endpoints and real credentials.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** @throws LocalDeploymentError when nothing answers there */
export async function checkAnswers(endpoint: string): Promise<void> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    await response.body?.cancel();
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new LocalDeploymentError(
      'endpoint_silent',
      `Nothing answers at ${endpoint} (${reason}). ${HOW_TO_START}`,
      { cause },
    );
  }
}

function isLocal(hostname: string): boolean {
  if (isAddress(hostname)) return hostname.startsWith('127.') || hostname === '[::1]';
  return LOCAL_NAMES.some((name) => hostname === name || hostname.endsWith(`.${name}`));
}

function isAddress(hostname: string): boolean {
  return isIPv4(hostname) || hostname.startsWith('[');
}
