import { AwsJson1_0Protocol, AwsJson1_1Protocol, JsonCodec } from '@aws-sdk/core/protocols';

/**
 * The SDK's codec that works on strings. Its default one writes JSON byte by byte, which takes longer than all else
 * that is done with an event; `JSON.stringify` is native.
 */
function stringCodec(): JsonCodec {
  // Timestamps as epoch seconds unless the model says otherwise: what both protocols prescribe.
  return new JsonCodec({ timestampFormat: { useTrait: true, default: EPOCH_SECONDS }, jsonName: false });
}

/** The SDK's number for the format (`SCHEMA.TIMESTAMP_EPOCH_SECONDS`). */
const EPOCH_SECONDS = 7;

/** The protocol of SQS and DynamoDB, its JSON written natively. */
export class NativeJson1_0Protocol extends AwsJson1_0Protocol {
  constructor(settings: ConstructorParameters<typeof AwsJson1_0Protocol>[0]) {
    super({ ...settings, jsonCodec: stringCodec() });
  }
}

/** The protocol of EventBridge and Secrets Manager, its JSON written natively. */
export class NativeJson1_1Protocol extends AwsJson1_1Protocol {
  constructor(settings: ConstructorParameters<typeof AwsJson1_1Protocol>[0]) {
    super({ ...settings, jsonCodec: stringCodec() });
  }
}
