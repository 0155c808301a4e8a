import { type Answer, type Call, Dispatcher } from './aws-json-protocol.ts';
import { CloudWatch } from './cloudwatch.ts';
import { CloudWatchLogs } from './cloudwatch-logs.ts';
import { DynamoDb } from './dynamodb/dynamodb.ts';
import type { FaultInjector } from './emulator-faults.ts';
import { type Listening, listen } from './emulator-http.ts';
import { EventBridge } from './eventbridge/eventbridge.ts';
import { inProcessHandler, type RequestHandler } from './request-handler.ts';
import { S3 } from './s3/s3.ts';
import { SecretsManager } from './secrets-manager.ts';
import { Sqs } from './sqs/sqs.ts';

const FIRST_ERROR_STATUS = 400;

/** Settings of an {@link Emulator}. */
export interface EmulatorOptions {
  /** `us-east-1` by default. */
  region?: string;
  /** `000000000000` by default. */
  accountId?: string;
  faults?: FaultInjector;
  /** Called for each call that succeeded, to count what AWS would bill. */
  onCall?: (call: Pick<Call, 'target' | 'body'>) => void;
}

/**
 * The AWS services that Switchboard uses, in memory, with AWS's wire protocol. SDK clients in the same process connect
 * through `requestHandler()`, any other client over HTTP after `listen()`.
 */
export class Emulator {
  readonly region: string;
  readonly accountId: string;
  readonly sqs: Sqs;
  readonly dynamodb: DynamoDb;
  readonly eventbridge: EventBridge;
  readonly secretsManager: SecretsManager;
  readonly cloudwatch: CloudWatch;
  readonly logs: CloudWatchLogs;
  readonly s3: S3;
  private readonly dispatcher: Dispatcher;
  private readonly onCall: EmulatorOptions['onCall'];
  private readonly listening = new Set<Listening>();

  constructor(options: EmulatorOptions = {}) {
    const { region = 'us-east-1', accountId = '000000000000', faults, onCall } = options;
    this.onCall = onCall;
    const place = { region, accountId };
    this.region = region;
    this.accountId = accountId;
    this.sqs = new Sqs({ ...place, ...(faults && { faults }) });
    this.dynamodb = new DynamoDb({ ...place, ...(faults && { faults }) });
    this.eventbridge = new EventBridge({
      ...place,
      deliverToQueue: (queueArn, body) => this.sqs.deliver(queueArn, body),
      ...(faults && { isRepeated: (queueArn, body) => faults.repeatEvent(queueArn, body) }),
    });
    this.secretsManager = new SecretsManager(place);
    this.cloudwatch = new CloudWatch();
    this.logs = new CloudWatchLogs();
    this.s3 = new S3({ region });
    const { sqs, dynamodb, eventbridge, secretsManager, cloudwatch, logs } = this;
    const services = [sqs, dynamodb, eventbridge, secretsManager, cloudwatch, logs];
    this.dispatcher = new Dispatcher(services, faults);
  }

  /** The operations that are supported, such as `AmazonSQS.SendMessage`. S3 and STS are not among them. */
  get targets(): string[] {
    return this.dispatcher.targets;
  }

  /**
   * Handles one call: parses the input, injects faults, runs the action and formats errors. Rejects with an error named
   * `TimeoutError` if a fault drops the response.
   */
  async handle(call: Call): Promise<Answer> {
    const answer = await this.dispatcher.handle(call);
    if (answer.status < FIRST_ERROR_STATUS) this.onCall?.(call);
    return answer;
  }

  /** A handler for SDK clients in this process: `new SQSClient({ requestHandler: emulator.requestHandler() })`. */
  requestHandler(): RequestHandler {
    return inProcessHandler(
      (call) => this.handle(call),
      (request) => this.s3.handle(request),
    );
  }

  /** Serves over HTTP. @param options port 0 (the default) selects a free port; host is 127.0.0.1 by default. */
  async listen(options: { port?: number; host?: string } = {}): Promise<Listening> {
    const listening = await listen(
      {
        accountId: this.accountId,
        handle: (call) => this.handle(call),
        s3: (request) => this.s3.handle(request),
        health: () => ({ status: 'ok', region: this.region, targets: this.targets }),
      },
      options,
    );
    this.listening.add(listening);
    this.sqs.defaultOrigin = listening.url;
    return {
      ...listening,
      close: async () => {
        if (this.listening.delete(listening)) await listening.close();
      },
    };
  }

  /** Stops servers, long polls and timers. */
  async close(): Promise<void> {
    this.sqs.close();
    const listening = [...this.listening];
    this.listening.clear();
    await Promise.all(listening.map((server) => server.close()));
  }
}
