import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A call of the ingester: the acceptance of events by SQS, or the cursor that follows it. */
export type GatedCall = 'send' | 'cursor';
/** A moment of a call: it has arrived, or AWS has answered it and the answer is on its way. */
export interface CallMoment {
  readonly call: GatedCall;
  readonly at: 'arrived' | 'answered';
}

/** Headers that belong to a connection. */
const CONNECTION_HEADERS = ['host', 'connection', 'content-length', 'expect'];

/** Passes calls on to the local AWS. At a chosen moment it holds one until something has happened, and drops it. */
export class AwsGate {
  private readonly http: Server;
  private readonly target = Promise.withResolvers<string>();
  private armed:
    | { readonly moment: CallMoment; readonly happen: () => Promise<void>; done(): void }
    | undefined;

  constructor() {
    this.http = createServer((request, response) => {
      this.pass(request)
        .then(async (answer) => {
          if (!answer) request.socket.destroy();
          else
            response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.bytes());
        })
        .catch(() => request.socket.destroy());
    });
  }

  /** @returns the base URL */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** Where calls go. They wait until it is known. */
  open(url: string): void {
    this.target.resolve(url);
  }

  /** Do this at the next such moment. Resolves when it is done. */
  at(moment: CallMoment, happen: () => Promise<void>): Promise<void> {
    return new Promise((done) => {
      this.armed = { moment, happen, done };
    });
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  /** The answer, or undefined if there will be none. */
  private async pass(request: IncomingMessage): Promise<Response | undefined> {
    const body = await buffer(request);
    const call = callOf(request, body);
    if (await this.strikes({ call, at: 'arrived' })) return undefined;
    const headers = Object.entries(request.headers).filter(([name]) => !CONNECTION_HEADERS.includes(name));
    const answer = await fetch(`${await this.target.promise}${request.url}`, {
      method: request.method ?? 'POST',
      headers: headers.map(([name, value]): [string, string] => [name, String(value)]),
      body: new Uint8Array(body),
    });
    return answer.ok && (await this.strikes({ call, at: 'answered' })) ? undefined : answer;
  }

  private async strikes({
    call,
    at,
  }: {
    call: GatedCall | undefined;
    at: CallMoment['at'];
  }): Promise<boolean> {
    const { armed } = this;
    if (!armed || armed.moment.call !== call || armed.moment.at !== at) return false;
    this.armed = undefined;
    await armed.happen();
    armed.done();
    return true;
  }
}

function callOf({ headers }: IncomingMessage, body: Buffer): GatedCall | undefined {
  const target = headers['x-amz-target'];
  if (target === 'AmazonSQS.SendMessageBatch') return 'send';
  return target === 'DynamoDB_20120810.PutItem' && body.includes('cursor#notification-stream/')
    ? 'cursor'
    : undefined;
}
