import { isIPv4 } from 'node:net';
import { LocalDeploymentError } from './local-deployment-error.ts';

/** Timeout for any response of the emulator. */
const RESPONSE_TIMEOUT_MS = 5_000;
/** Names of this machine. LocalStack's public DNS name resolves to 127.0.0.1. */
const LOCAL_NAMES = ['localhost', 'localhost.localstack.cloud'];
/** Variables that could redirect requests to other hosts or supply real credentials. */
const UNSAFE_VARIABLES = /^(AWS_.*|(HTTPS?|ALL)_PROXY)$/i;
/** Every emulator accepts these credentials, but AWS does not. */
export const DUMMY_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;
/** Region of the deployment. */
export const REGION = 'us-east-1';
/** Account of the dummy credentials in every emulator. */
export const ACCOUNT = '000000000000';

const START_INSTRUCTIONS = `Start an AWS emulator, for example:

  MiniStack (Python 3), which runs for the duration of the command:
    bash test/ministack/start.sh npm run deploy:local

  LocalStack (Docker):
    docker compose up --detach --wait
    AWS_ENDPOINT_URL=http://127.0.0.1:4566 npm run deploy:local`;

/**
 * Reads the endpoint of the emulator from the environment.
 *
 * @returns its base URL; with HTTP, the host name is replaced by 127.0.0.1, because S3 clients then use path-style
 *   addresses
 * @throws {@link LocalDeploymentError} if no endpoint is set, or if it is not on this machine
 */
export function localEndpoint(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment.AWS_ENDPOINT_URL;
  if (!given)
    throw new LocalDeploymentError('no_endpoint', `AWS_ENDPOINT_URL is not set. ${START_INSTRUCTIONS}`);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || !isLocal(url.hostname)) {
    throw new LocalDeploymentError(
      'endpoint_not_local',
      `AWS_ENDPOINT_URL is ${given}, but this command only deploys to this machine. Use an http or https URL with the host 127.0.0.1, [::1], localhost or localhost.localstack.cloud. To deploy to AWS, use npx cdk deploy.`,
    );
  }
  if (url.protocol === 'http:' && !isAddress(url.hostname)) url.hostname = '127.0.0.1';
  return url.origin;
}

/**
 * Returns the environment for processes that use the emulator: the given environment without variables that could lead
 * to AWS, and with credentials that AWS does not accept.
 */
export function localEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  endpoint: string,
): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(([name]) => !UNSAFE_VARIABLES.test(name));
  return { ...Object.fromEntries(kept), ...localAws(endpoint) };
}

/** Returns the variables that AWS SDKs read. */
export function localAws(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: DUMMY_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: DUMMY_CREDENTIALS.secretAccessKey,
    // Profiles could contain other endpoints and real credentials.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** @throws {@link LocalDeploymentError} if the endpoint does not respond */
export async function checkReachable(endpoint: string): Promise<void> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS) });
    await response.body?.cancel();
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new LocalDeploymentError(
      'endpoint_silent',
      `${endpoint} does not respond (${reason}). ${START_INSTRUCTIONS}`,
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
