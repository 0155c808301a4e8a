import { AwsJson1_0Protocol, AwsJson1_1Protocol, JsonCodec } from '@aws-sdk/core/protocols';

/**
 * The SDK's string-based JSON codec. The SDK's default codec writes JSON byte by byte, which takes longer than all
 * other processing of an event, whereas `JSON.stringify` is native.
 */
function stringCodec(): JsonCodec {
  // Both protocols use epoch seconds unless the model specifies another timestamp format.
  return new JsonCodec({ timestampFormat: { useTrait: true, default: EPOCH_SECONDS }, jsonName: false });
}

/** Value of the SDK's `SCHEMA.TIMESTAMP_EPOCH_SECONDS`. */
const EPOCH_SECONDS = 7;

/** AWS JSON 1.0, the protocol of SQS and DynamoDB, with native JSON serialization. */
export class NativeJson1_0Protocol extends AwsJson1_0Protocol {
  constructor(settings: ConstructorParameters<typeof AwsJson1_0Protocol>[0]) {
    super({ ...settings, jsonCodec: stringCodec() });
  }
}

/** AWS JSON 1.1, the protocol of EventBridge and Secrets Manager, with native JSON serialization. */
export class NativeJson1_1Protocol extends AwsJson1_1Protocol {
  constructor(settings: ConstructorParameters<typeof AwsJson1_1Protocol>[0]) {
    super({ ...settings, jsonCodec: stringCodec() });
  }
}
