import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { registerSecret } from '../../lib/events/redaction.ts';

/** Cached keys are read again after this time. */
const MAX_AGE_MS = 300_000;
/** If they cannot be read, the cached keys are used up to this age. */
const MAX_STALE_MS = 3_600_000;
/** Shortest time between two reads after a wrong signature, so that forged signatures cause few calls. */
const MIN_READ_INTERVAL_MS = 5_000;
/** Shortest time between two reads after a failed one. */
const MIN_RETRY_INTERVAL_MS = 1_000;
/** At least 16 bytes. */
const HEX = /^(?:[0-9a-f]{2}){16,}$/i;

/** Staging labels. During a rotation, both values are valid. */
const STAGES = ['AWSCURRENT', 'AWSPREVIOUS'] as const;

/** The value of the signing secret is missing or not hexadecimal. */
export class SigningSecretError extends Error {
  readonly code = 'signing_secret_invalid';
  readonly retriable = true;

  constructor(secretId: string) {
    super(
      `The signing secret ${secretId} has no value of at least 32 hexadecimal digits. Create the stream with: switchboard streams create`,
    );
    this.name = 'SigningSecretError';
  }
}

/**
 * The keys with which deliveries may be signed: the current and the previous value of a secret in Secrets Manager,
 * decoded from hex. The keys are cached. A delivery that was not signed with a cached key triggers a new read, so a
 * rotation takes effect at once.
 */
export class SigningKeys {
  private readonly client: SecretsManagerClient;
  private readonly secretId: string;
  private keys: readonly Buffer[] = [];
  private readAtMs = Number.NEGATIVE_INFINITY;
  private triedAtMs = Number.NEGATIVE_INFINITY;
  private lastError: unknown;
  private reading: Promise<readonly Buffer[]> | undefined;

  constructor(client: SecretsManagerClient, secretId: string) {
    this.client = client;
    this.secretId = secretId;
  }

  /**
   * The keys, from the cache if they are recent.
   *
   * @throws the Secrets Manager error, or a {@link SigningSecretError}, if there are no usable keys
   */
  async get(signal: AbortSignal): Promise<readonly Buffer[]> {
    const ageMs = Date.now() - this.readAtMs;
    if (ageMs < MAX_AGE_MS) return this.keys;
    try {
      return await this.retry(signal);
    } catch (error) {
      if (ageMs < MAX_STALE_MS) return this.keys;
      throw error;
    }
  }

  /**
   * Reads the keys again after a signature did not match the given ones.
   *
   * @returns undefined if the last read was too recent for another one
   * @throws as {@link get}
   */
  async newerThan(keys: readonly Buffer[], signal: AbortSignal): Promise<readonly Buffer[] | undefined> {
    if (this.keys !== keys) return this.keys;
    const isTooSoon = Date.now() - this.triedAtMs < MIN_READ_INTERVAL_MS;
    return isTooSoon && !this.reading ? undefined : this.read(signal);
  }

  /** Reads the keys, unless the last read has just failed. */
  private async retry(signal: AbortSignal): Promise<readonly Buffer[]> {
    const hasJustFailed =
      this.lastError !== undefined && Date.now() - this.triedAtMs < MIN_RETRY_INTERVAL_MS && !this.reading;
    if (hasJustFailed) throw this.lastError;
    return this.read(signal);
  }

  /** Concurrent requests share a read. */
  private read(signal: AbortSignal): Promise<readonly Buffer[]> {
    this.reading ??= this.readNow(signal).finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readNow(signal: AbortSignal): Promise<readonly Buffer[]> {
    this.triedAtMs = Date.now();
    try {
      const [current, previous] = await Promise.all(STAGES.map((stage) => this.readStage(stage, signal)));
      if (current === undefined) throw new SigningSecretError(this.secretId);
      this.keys = previous === undefined ? [current] : [current, previous];
      this.readAtMs = this.triedAtMs;
      this.lastError = undefined;
      return this.keys;
    } catch (error) {
      this.lastError = error;
      throw error;
    }
  }

  /** @returns undefined if there is no such value or it is not hexadecimal */
  private async readStage(
    VersionStage: (typeof STAGES)[number],
    abortSignal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const command = new GetSecretValueCommand({ SecretId: this.secretId, VersionStage });
    try {
      const { SecretString = '' } = await this.client.send(command, { abortSignal });
      const hex = SecretString.trim();
      registerSecret(hex);
      return HEX.test(hex) ? Buffer.from(hex, 'hex') : undefined;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }
}
