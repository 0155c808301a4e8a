import { randomBytes, randomUUID } from 'node:crypto';
import { optionalString } from './input.ts';
import { type Action, AwsError, type EmulatedService, type JsonObject } from './service.ts';

/** Secrets Manager quota. */
const MAX_SECRET_BYTES = 65_536;
/** The emulator's own bound. */
const MAX_SECRETS = 1_000;

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

interface SecretVersion {
  readonly id: string;
  readonly secretString?: string;
  /** Base64, as on the wire. */
  readonly secretBinary?: string;
  readonly createdAtMs: number;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly createdAtMs: number;
  changedAtMs: number;
  current: SecretVersion | undefined;
  previous: SecretVersion | undefined;
}

/** Secrets Manager: secrets with their current and previous version. */
export class SecretsManager implements EmulatedService {
  readonly targetPrefix = 'secretsmanager';
  readonly contentType = 'application/x-amz-json-1.1';
  readonly actions: Readonly<Record<string, Action>> = {
    CreateSecret: (input) => this.#create(input),
    GetSecretValue: (input) => this.#get(input),
    PutSecretValue: (input) => this.#put(input),
    DescribeSecret: (input) => this.#describe(input),
    DeleteSecret: (input) => this.#delete(input),
  };
  readonly #secrets = new Map<string, Secret>();
  readonly #place: { readonly region: string; readonly accountId: string };

  constructor(place: { region: string; accountId: string }) {
    this.#place = place;
  }

  /** Creates a secret, or gives an existing one a new value. @returns its ARN. */
  set(name: string, secretString: string): string {
    const secret = this.#secrets.get(name) ?? this.#add(name, undefined);
    this.#addVersion(secret, { SecretString: secretString });
    return secret.arn;
  }

  #create(input: JsonObject): JsonObject {
    const name = optionalString(input, 'Name') ?? '';
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name))
      throw new AwsError(
        'ValidationException',
        `Invalid name "${name}": 1 to 512 letters, digits and /_+=.@-.`,
      );
    if (this.#secrets.has(name))
      throw new AwsError(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    const content = parseValue(input);
    const secret = this.#add(name, optionalString(input, 'Description'));
    const version = content && this.#addVersion(secret, input);
    return { ARN: secret.arn, Name: name, ...(version && { VersionId: version.id }) };
  }

  #get(input: JsonObject): JsonObject {
    const secret = this.#find(input);
    const id = optionalString(input, 'VersionId');
    const stage = optionalString(input, 'VersionStage') ?? (id === undefined ? CURRENT : undefined);
    const found = versions(secret).find(
      ({ version, stage: its }) => (id ?? version.id) === version.id && (stage ?? its) === its,
    );
    if (found === undefined)
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${id ?? `staging label: ${stage}`}`,
      );
    const { version } = found;
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.id,
      VersionStages: [found.stage],
      CreatedDate: version.createdAtMs / 1_000,
      ...(version.secretString !== undefined && { SecretString: version.secretString }),
      ...(version.secretBinary !== undefined && { SecretBinary: version.secretBinary }),
    };
  }

  #put(input: JsonObject): JsonObject {
    const secret = this.#find(input);
    if (parseValue(input) === undefined)
      throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
    const { id } = this.#addVersion(secret, input);
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: [CURRENT] };
  }

  #describe(input: JsonObject): JsonObject {
    const secret = this.#find(input);
    return {
      ARN: secret.arn,
      Name: secret.name,
      ...(secret.description !== undefined && { Description: secret.description }),
      CreatedDate: secret.createdAtMs / 1_000,
      LastChangedDate: secret.changedAtMs / 1_000,
      VersionIdsToStages: Object.fromEntries(
        versions(secret).map(({ version, stage }) => [version.id, [stage]]),
      ),
    };
  }

  /** At once, whatever the recovery window: there is no RestoreSecret. */
  #delete(input: JsonObject): JsonObject {
    const secret = this.#find(input);
    this.#secrets.delete(secret.name);
    return { ARN: secret.arn, Name: secret.name, DeletionDate: Date.now() / 1_000 };
  }

  /** By name, by ARN, or by ARN without the random suffix. */
  #find(input: JsonObject): Secret {
    const id = optionalString(input, 'SecretId');
    if (!id)
      throw new AwsError('ValidationException', 'SecretId is missing: give the name or the ARN of a secret.');
    const named = this.#secrets.get(id);
    if (named) return named;
    for (const secret of this.#secrets.values()) {
      if (secret.arn === id || secret.arn.slice(0, secret.arn.lastIndexOf('-')) === id) return secret;
    }
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }

  #add(name: string, description: string | undefined): Secret {
    if (this.#secrets.size >= MAX_SECRETS)
      throw new AwsError('LimitExceededException', `The emulator keeps at most ${MAX_SECRETS} secrets.`);
    const { region, accountId } = this.#place;
    const nowMs = Date.now();
    const secret: Secret = {
      name,
      description,
      arn: `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${randomBytes(3).toString('hex')}`,
      createdAtMs: nowMs,
      changedAtMs: nowMs,
      current: undefined,
      previous: undefined,
    };
    this.#secrets.set(name, secret);
    return secret;
  }

  #addVersion(secret: Secret, input: JsonObject): SecretVersion {
    const id = optionalString(input, 'ClientRequestToken') ?? randomUUID();
    // The SDK repeats a request with the same token: that is one version.
    if (secret.current?.id === id) return secret.current;
    const version = { id, createdAtMs: Date.now(), ...parseValue(input) };
    secret.previous = secret.current;
    secret.current = version;
    secret.changedAtMs = version.createdAtMs;
    return version;
  }
}

function parseValue(input: JsonObject): { secretString: string } | { secretBinary: string } | undefined {
  const secretString = optionalString(input, 'SecretString');
  const secretBinary = optionalString(input, 'SecretBinary');
  if (secretString !== undefined && secretBinary !== undefined)
    throw new AwsError(
      'InvalidParameterException',
      'You can provide SecretString or SecretBinary, not both.',
    );
  const bytes = Buffer.byteLength(secretString ?? '') + Buffer.byteLength(secretBinary ?? '', 'base64');
  if (bytes > MAX_SECRET_BYTES)
    throw new AwsError(
      'ValidationException',
      `A secret has at most ${MAX_SECRET_BYTES} bytes, not ${bytes}.`,
    );
  if (secretString !== undefined) return { secretString };
  return secretBinary === undefined ? undefined : { secretBinary };
}

function versions(secret: Secret): { version: SecretVersion; stage: string }[] {
  return [
    ...(secret.current ? [{ version: secret.current, stage: CURRENT }] : []),
    ...(secret.previous ? [{ version: secret.previous, stage: PREVIOUS }] : []),
  ];
}
