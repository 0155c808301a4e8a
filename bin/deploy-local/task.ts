import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type RunOptions, runCdk } from './command.ts';
import { type Outputs, STACK } from './deployment.ts';
import type { Genesys } from './genesys.ts';
import { LocalDeploymentError } from './local-deployment-error.ts';
import { localAws } from './local-endpoint.ts';

/** Bundled module in the directory of the image. */
const MODULE = 'main.mjs';
/** Variables of the task that the environment of the command can override. */
const OVERRIDABLE = [
  'TOPICS',
  'SUBSCRIPTION',
  'TOPIC_REFRESH_SECONDS',
  'HEALTH_HOST',
  'HEALTH_PORT',
  'LOG_LEVEL',
  'REDACTION',
  'REDACTION_KEY',
  'NODE_EXTRA_CA_CERTS',
];

/** Variables of resources that the stack for an emulator does not have: it has no backfill. */
const NOT_DEPLOYED: readonly string[] = ['GAPS_QUEUE_URL'];

const templateSchema = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown().optional() })),
});
const taskSchema = z.object({
  ContainerDefinitions: z.tuple([
    z.object({ Environment: z.array(z.object({ Name: z.string(), Value: z.unknown() })) }),
  ]),
});
const assetsSchema = z.object({
  dockerImages: z.record(z.string(), z.object({ source: z.object({ directory: z.string() }) })),
});

/** The task of the ingester. */
export interface Task {
  /** Path of the bundle. */
  modulePath: string;
  /** Environment variables. References to other resources are not strings. */
  environment: Readonly<Record<string, unknown>>;
}

/** Synthesizes `bin/app.ts` as for AWS and reads the task of the ingester. */
export async function synthesizeTask(directory: string, options: RunOptions): Promise<Task> {
  const assembly = join(directory, 'task');
  await runCdk(['synth', STACK, '--quiet', '--output', assembly], options);
  return readTask(assembly);
}

/**
 * Reads the task of the ingester from a cloud assembly.
 *
 * @throws {@link LocalDeploymentError} if the assembly does not contain exactly one task with one container
 */
export async function readTask(assembly: string): Promise<Task> {
  const read = async (name: string) => JSON.parse(await readFile(join(assembly, name), 'utf8')) as unknown;
  try {
    const { Resources } = templateSchema.parse(await read(`${STACK}.template.json`));
    const task = only(Object.values(Resources).filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition'));
    const { dockerImages } = assetsSchema.parse(await read(`${STACK}.assets.json`));
    const image = only(Object.values(dockerImages));
    const [{ Environment }] = taskSchema.parse(task.Properties).ContainerDefinitions;
    return {
      modulePath: join(assembly, image.source.directory, MODULE),
      environment: Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value])),
    };
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new LocalDeploymentError(
      'assembly_unreadable',
      `bin/app.ts does not contain a stack ${STACK} with one ingester: ${reason}`,
      { cause },
    );
  }
}

/**
 * Returns the environment for an ingester that runs beside an emulator: the environment of the task, with references
 * replaced by deployed resources.
 *
 * @param local - `given` is the environment of this command, which can override some variables of the task
 * @throws {@link LocalDeploymentError} if a reference cannot be resolved
 */
export function taskEnvironment(
  task: Pick<Task, 'environment'>,
  outputs: Outputs,
  local: { endpoint: string; genesys: Genesys; given: Readonly<Record<string, string | undefined>> },
): Record<string, string> {
  const { endpoint, given } = local;
  const { urls } = local.genesys;
  const { SwitchboardRedactionKeyArn: redactionKey } = outputs;
  const deployed: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(task.environment).filter(([name]) => !NOT_DEPLOYED.includes(name))),
    EVENTS_QUEUE_URL: outputs.SwitchboardEventsQueueUrl,
    STATE_TABLE: outputs.SwitchboardStateTableName,
    OVERSIZE_BUCKET: outputs.SwitchboardOversizeBucketName,
    GENESYS_SECRET_ID: outputs.SwitchboardSecretName,
    ...(redactionKey === undefined ? {} : { REDACTION_SECRET_ID: redactionKey }),
    ...(urls ? { GENESYS_API_URL: urls.apiUrl, GENESYS_LOGIN_URL: urls.loginUrl } : {}),
    ...Object.fromEntries(OVERRIDABLE.flatMap((name) => (given[name] ? [[name, given[name]]] : []))),
    ...localAws(endpoint),
  };
  const unknown = Object.keys(deployed).filter((name) => typeof deployed[name] !== 'string');
  if (unknown.length === 0) return deployed as Record<string, string>;
  throw new LocalDeploymentError(
    'assembly_unreadable',
    `The task variable ${unknown.join(', ')} refers to a resource that cannot be resolved. Add it to bin/deploy-local/task.ts.`,
  );
}

function only<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined || values.length > 1) throw new Error(`expected one, found ${values.length}`);
  return value;
}
