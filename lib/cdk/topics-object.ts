import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack, Token } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';

/** Maximum length of all topics in the task definition. A complete task definition has at most 64 KiB. */
const MAX_INLINE_CHARACTERS = 16_384;

/** The topics of the ingester, in its environment or in an S3 object that its environment names. */
export class ConfiguredTopics extends Construct {
  /** Environment variables of the ingester. */
  readonly environment: Readonly<Record<string, string>>;
  private readonly asset: Asset | undefined;

  constructor(scope: Construct, id: string, topics: readonly string[]) {
    super(scope, id);
    const text = topics.join(',');
    // A value that is known only at deployment cannot be written to a file.
    if (text.length > MAX_INLINE_CHARACTERS && !Token.isUnresolved(text)) {
      this.asset = this.store(text);
      this.environment = { TOPICS_OBJECT: this.asset.s3ObjectUrl };
    } else {
      this.environment = text === '' ? {} : { TOPICS: text };
    }
  }

  /** Grants reading the topics. */
  grantRead(grantee: IGrantable): void {
    if (!this.asset) return;
    const { s3BucketName, s3ObjectKey } = this.asset;
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [`arn:${Stack.of(this).partition}:s3:::${s3BucketName}/${s3ObjectKey}`],
      }),
    );
  }

  private store(text: string): Asset {
    const directory = mkdtempSync(join(tmpdir(), 'switchboard-topics-'));
    try {
      const path = join(directory, 'topics.txt');
      writeFileSync(path, text);
      return new Asset(this, 'Object', { path });
    } finally {
      // The asset has copied the file.
      rmSync(directory, { recursive: true });
    }
  }
}
