import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { registerSecret } from '../events/redaction.ts';

/** A cached value is read again after this time. */
const MAX_AGE_MS = 300_000;
/** If it cannot be read, the cached value is used up to this age. */
const MAX_STALE_MS = 3_600_000;
/** Shortest time between two reads after a value was refused, so that forged signatures cause few calls. */
const MIN_READ_INTERVAL_MS = 5_000;
/** Shortest time between two reads after a failed one. */
const MIN_RETRY_INTERVAL_MS = 1_000;

/** Staging label of a value. During a rotation, the current and the previous value are valid. */
export type SecretStage = 'AWSCURRENT' | 'AWSPREVIOUS';

/** The values of a secret by staging label, without white space around them. A stage can have no value. */
export type SecretTexts = Readonly<Partial<Record<SecretStage, string>>>;

/** Options of {@link CachedSecret}. */
export interface CachedSecretOptions<Value> {
  readonly client: SecretsManagerClient;
  /** Name or ARN. */
  readonly secretId: string;
  /** The stages that are read. */
  readonly stages: readonly SecretStage[];
  /** Converts the texts. Throws if they are not usable. */
  readonly parse: (texts: SecretTexts) => Value;
}

/** A secret in Secrets Manager, cached for five minutes. While it cannot be read, a known value is used for an hour. */
export class CachedSecret<Value> {
  private readonly options: CachedSecretOptions<Value>;
  private known: { readonly value: Value } | undefined;
  private readAtMs = Number.NEGATIVE_INFINITY;
  private triedAtMs = Number.NEGATIVE_INFINITY;
  private isRefused = false;
  private lastError: unknown;
  private reading: Promise<Value> | undefined;

  constructor(options: CachedSecretOptions<Value>) {
    this.options = options;
  }

  /**
   * The value, from the cache if it is recent.
   *
   * @throws the Secrets Manager error, or the error of `parse`, if there is no usable value
   */
  async get(signal?: AbortSignal): Promise<Value> {
    const ageMs = Date.now() - this.readAtMs;
    if (this.known && ageMs < MAX_AGE_MS && !this.isRefused) return this.known.value;
    try {
      return await this.retry(signal);
    } catch (error) {
      if (this.known && ageMs < MAX_STALE_MS) return this.known.value;
      throw error;
    }
  }

  /**
   * Reads the value again, if it is still the given one, after something did not match it.
   *
   * @returns undefined if the last read was too recent for another one
   * @throws as {@link get}
   */
  async newerThan(value: Value, signal?: AbortSignal): Promise<Value | undefined> {
    if (this.known && this.known.value !== value) return this.known.value;
    return this.isTooSoon() && !this.reading ? undefined : this.read(signal);
  }

  /**
   * Reports that the value was refused. The next {@link get} reads it again.
   *
   * @returns false if the last read was too recent for another one
   */
  refused(): boolean {
    if (this.isTooSoon()) return false;
    this.isRefused = true;
    return true;
  }

  private isTooSoon(): boolean {
    return Date.now() - this.triedAtMs < MIN_READ_INTERVAL_MS;
  }

  /** Reads the value, unless the last read has just failed. */
  private async retry(signal: AbortSignal | undefined): Promise<Value> {
    const hasJustFailed =
      this.lastError !== undefined && Date.now() - this.triedAtMs < MIN_RETRY_INTERVAL_MS && !this.reading;
    if (hasJustFailed) throw this.lastError;
    return this.read(signal);
  }

  /** Concurrent callers share a read. */
  private read(signal: AbortSignal | undefined): Promise<Value> {
    this.reading ??= this.readNow(signal).finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readNow(signal: AbortSignal | undefined): Promise<Value> {
    this.triedAtMs = Date.now();
    try {
      const texts = await Promise.all(
        this.options.stages.map(async (stage) => [stage, await this.readStage(stage, signal)]),
      );
      const value = this.options.parse(Object.fromEntries(texts.filter(([, text]) => text !== undefined)));
      this.known = { value };
      this.readAtMs = this.triedAtMs;
      this.isRefused = false;
      this.lastError = undefined;
      return value;
    } catch (error) {
      this.lastError = error;
      throw error;
    }
  }

  /** @returns undefined if there is no such value */
  private async readStage(
    VersionStage: SecretStage,
    abortSignal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const command = new GetSecretValueCommand({ SecretId: this.options.secretId, VersionStage });
    try {
      const { SecretString = '' } = await this.options.client.send(
        command,
        abortSignal ? { abortSignal } : {},
      );
      const text = SecretString.trim();
      registerSecret(text);
      return text;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }
}
