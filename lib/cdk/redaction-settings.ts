import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { needsHashKey } from '../events/content-rules.ts';
import type { RedactionOptions } from './redaction-options.ts';

/** More than the output of SHA-256, so that the key is at least as strong. */
const KEY_CHARACTERS = 64;

/** Properties of {@link RedactionSettings}. */
export interface RedactionSettingsProps {
  /** Options of the user. */
  readonly options: RedactionOptions;

  /** Removal policy of the key. Without it, hashes cannot be joined with those of a later key. */
  readonly removalPolicy: RemovalPolicy;

  /**
   * KMS key that encrypts the key for hashes.
   *
   * @default - the AWS managed key `aws/secretsmanager`
   */
  readonly encryptionKey?: IKey | undefined;
}

/** Content redaction for every deployable that events enter: its variables, and the key for hashes if there are any. */
export class RedactionSettings extends Construct {
  /** Environment variables, read with `lib/events/content-rules.ts`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Key for hashes; undefined if no path hashes. */
  readonly key: Secret | undefined;

  constructor(scope: Construct, id: string, props: RedactionSettingsProps) {
    super(scope, id);
    this.key = needsHashKey(props.options) ? this.createKey(props) : undefined;
    this.environment = {
      REDACTION: JSON.stringify(props.options),
      ...(this.key ? { REDACTION_SECRET_ID: this.key.secretArn } : {}),
    };
  }

  /** Grants what the variables need. */
  grantRead(role: IRole): void {
    if (!this.key) return;
    role.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [this.key.secretArn] }),
    );
    this.key.encryptionKey?.grantDecrypt(role);
  }

  private createKey({ encryptionKey, removalPolicy }: RedactionSettingsProps): Secret {
    const key = new Secret(this, 'Key', {
      description: 'Key with which Switchboard hashes redacted values',
      generateSecretString: {
        passwordLength: KEY_CHARACTERS,
        excludePunctuation: true,
        includeSpace: false,
      },
      removalPolicy,
      ...(encryptionKey ? { encryptionKey } : {}),
    });
    Validations.of(key).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Equal values must have equal hashes, so the key stays the same.',
    });
    return key;
  }
}
