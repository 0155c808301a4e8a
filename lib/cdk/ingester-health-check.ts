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
  command: ['CMD', 'node', '-e', healthProbe()],
  interval: Duration.seconds(HEALTH_INTERVAL_SECONDS),
  timeout: Duration.seconds(HEALTH_TIMEOUT_SECONDS),
  retries: HEALTH_RETRIES,
  startPeriod: Duration.seconds(HEALTH_START_SECONDS),
};

/**
 * Node.js code of the health check, because the image has no curl. It exits with 0 if `/healthz` returns a 2xx status,
 * or if it waits for somebody: no secret has been filled yet, so that the first deployment succeeds, or one of several
 * protocols is refused, so that a restart does not interrupt the others. An alarm reports the problem.
 */
function healthProbe(): string {
  const timeoutMs = (HEALTH_TIMEOUT_SECONDS - 1) * 1_000;
  return `fetch('http://127.0.0.1:${HEALTH_PORT}/healthz',{signal:AbortSignal.timeout(${timeoutMs})}).then(async r=>process.exit(r.ok||(await r.json()).waitingFor?0:1)).catch(()=>process.exit(1))`;
}
