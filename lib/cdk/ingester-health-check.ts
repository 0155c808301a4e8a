import { Duration } from 'aws-cdk-lib';
import type { HealthCheck } from 'aws-cdk-lib/aws-ecs';

/** Port on which the ingester serves `/healthz`. */
export const HEALTH_PORT = 3001;
/** The ingester reports itself as unhealthy after 30 s. The task is replaced after three failed health checks. */
const HEALTH_INTERVAL_SECONDS = 10;
const HEALTH_RETRIES = 3;
const HEALTH_TIMEOUT_SECONDS = 5;
/** Failed health checks are ignored for this time, which covers listing and subscribing to all users and queues. */
const HEALTH_START_SECONDS = 120;

/** The health check of the ingester's container. */
export const INGESTER_HEALTH_CHECK: HealthCheck = {
  command: ['CMD', 'bash', '-c', healthProbe()],
  interval: Duration.seconds(HEALTH_INTERVAL_SECONDS),
  timeout: Duration.seconds(HEALTH_TIMEOUT_SECONDS),
  retries: HEALTH_RETRIES,
  startPeriod: Duration.seconds(HEALTH_START_SECONDS),
};

/**
 * Script of the health check: the image has no curl, and a second Node.js would need 60 MB of the task's memory. It exits
 * with 0 if `/healthz` returns a 2xx status, or if it waits for an operator: no secret has been filled yet, so that the first
 * deployment succeeds, or one of several protocols is refused, so that a restart does not interrupt the others. An alarm
 * reports the problem.
 */
function healthProbe(): string {
  const timeoutSeconds = HEALTH_TIMEOUT_SECONDS - 1;
  return [
    `exec 3<>/dev/tcp/127.0.0.1/${HEALTH_PORT} || exit 1`,
    String.raw`printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3`,
    `IFS= read -r -d '' -t ${timeoutSeconds} answer <&3`,
    `[[ $answer == 'HTTP/1.1 2'* || $answer == *'"waitingFor":'* ]]`,
  ].join('; ');
}
