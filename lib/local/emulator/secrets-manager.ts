import { randomBytes, randomUUID } from 'node:crypto';
import { announceSecretValue } from '../announcements.ts';
import { optionalString } from './action-input.ts';
import { type Action, AwsError, type EmulatedService, type JsonObject } from './emulated-service.ts';
import { NotEmulatedError } from './not-emulated.ts';

/** Secrets Manager quota. */
const MAX_SECRET_BYTES = 65_536;
/** The emulator's own limit. */
const MAX_SECRETS = 1_000;

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

type SecretValue = { readonly SecretString: string } | { readonly SecretBinary: string };

interface Version {
  readonly id: string;
  readonly value: SecretValue;
  readonly createdAtMs: number;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  /** By staging label. */
  readonly versions: { [CURRENT]?: Version; [PREVIOUS]?: Version };
}

/** Secrets Manager: secrets with their current and their previous value. */
export class SecretsManager implements EmulatedService {
  readonly targetPrefix = 'secretsmanager';
  readonly contentType = 'application/x-amz-json-1.1';
  readonly actions: Readonly<Record<string, Action>> = {
    CreateSecret: (input) => this.create(input),
    GetSecretValue: (input) => this.get(input),
    PutSecretValue: (input) => this.put(input),
    DeleteSecret: (input) => this.delete(input),
  };
  private readonly secrets = new Map<string, Secret>();
  private readonly place: { readonly region: string; readonly accountId: string };

  constructor(place: { region: string; accountId: string }) {
    this.place = place;
  }

  /** Creates a secret, or gives an existing one a new value. @returns its ARN. */
  set(name: string, secretString: string): string {
    const secret = this.secrets.get(name) ?? this.add(name);
    setValue(secret, { SecretString: secretString }, randomUUID());
    return secret.arn;
  }

  private create(input: JsonObject): JsonObject {
    const name = optionalString(input, 'Name') ?? '';
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name))
      throw new AwsError(
        'ValidationException',
        `Invalid name "${name}": 1 to 512 letters, digits and /_+=.@-.`,
      );
    if (this.secrets.has(name))
      throw new AwsError(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    const value = parseValue(input);
    const secret = this.add(name);
    if (value === undefined) return { ARN: secret.arn, Name: name };
    return { ARN: secret.arn, Name: name, VersionId: setValue(secret, value, versionId(input)) };
  }

  private get(input: JsonObject): JsonObject {
    const { arn, name, versions } = this.find(input);
    const stage = optionalString(input, 'VersionStage') ?? CURRENT;
    if (stage !== CURRENT && stage !== PREVIOUS)
      throw new NotEmulatedError({
        where: 'GetSecretValue',
        kind: 'VersionStage',
        name: stage,
        supported: [CURRENT, PREVIOUS],
      });
    const found = versions[stage];
    if (found === undefined)
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for staging label: ${stage}`,
      );
    const { id, value, createdAtMs } = found;
    const version = { VersionId: id, VersionStages: [stage], CreatedDate: createdAtMs / 1_000 };
    return { ARN: arn, Name: name, ...version, ...value };
  }

  private put(input: JsonObject): JsonObject {
    const secret = this.find(input);
    const value = parseValue(input);
    if (value === undefined)
      throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
    const VersionId = setValue(secret, value, versionId(input));
    return { ARN: secret.arn, Name: secret.name, VersionId, VersionStages: [CURRENT] };
  }

  /** Deletes at once, regardless of the recovery window, because there is no RestoreSecret. */
  private delete(input: JsonObject): JsonObject {
    const { arn, name } = this.find(input);
    this.secrets.delete(name);
    return { ARN: arn, Name: name, DeletionDate: Date.now() / 1_000 };
  }

  /** By name, by ARN, or by ARN without the random suffix. */
  private find(input: JsonObject): Secret {
    const id = optionalString(input, 'SecretId');
    if (!id)
      throw new AwsError('ValidationException', 'SecretId is missing: give the name or the ARN of a secret.');
    const named = this.secrets.get(id);
    if (named) return named;
    for (const secret of this.secrets.values()) {
      if (secret.arn === id || secret.arn.slice(0, secret.arn.lastIndexOf('-')) === id) return secret;
    }
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }

  private add(name: string): Secret {
    if (this.secrets.size >= MAX_SECRETS)
      throw new AwsError('LimitExceededException', `The emulator keeps at most ${MAX_SECRETS} secrets.`);
    const { region, accountId } = this.place;
    const suffix = randomBytes(3).toString('hex');
    const arn = `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${suffix}`;
    const secret: Secret = { name, arn, versions: {} };
    this.secrets.set(name, secret);
    return secret;
  }
}

function setValue(secret: Secret, value: SecretValue, id: string): string {
  const { versions } = secret;
  const current = versions[CURRENT];
  // The SDK retries a request with the same token, which results in one version.
  if (current?.id === id) return id;
  if (current) versions[PREVIOUS] = current;
  versions[CURRENT] = { id, value, createdAtMs: Date.now() };
  if ('SecretString' in value) announceSecretValue(value.SecretString);
  return id;
}

function versionId(input: JsonObject): string {
  return optionalString(input, 'ClientRequestToken') ?? randomUUID();
}

function parseValue(input: JsonObject): SecretValue | undefined {
  const text = optionalString(input, 'SecretString');
  const binary = optionalString(input, 'SecretBinary');
  if (text !== undefined && binary !== undefined)
    throw new AwsError(
      'InvalidParameterException',
      'You can provide SecretString or SecretBinary, not both.',
    );
  const bytes = Buffer.byteLength(text ?? '') + Buffer.byteLength(binary ?? '', 'base64');
  if (bytes > MAX_SECRET_BYTES)
    throw new AwsError(
      'ValidationException',
      `A secret has at most ${MAX_SECRET_BYTES} bytes, not ${bytes}.`,
    );
  if (text !== undefined) return { SecretString: text };
  return binary === undefined ? undefined : { SecretBinary: binary };
}
