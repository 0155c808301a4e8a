import type { LambdaFunctionURLEvent } from 'aws-lambda';
import {
  type FunctionUrl,
  serveFunctionUrl,
  type UrlHandler,
} from 'switchboard-local/lambda/function-url.ts';
import { afterEach, expect, test } from 'vitest';

let served: FunctionUrl;
afterEach(() => served.close());

async function serve(handler: UrlHandler, maxConcurrency = 10): Promise<void> {
  served = await serveFunctionUrl({ createHandler: () => handler, maxConcurrency });
}

test('A request arrives as an event of payload format 2.0, its body as text or as Base64', async () => {
  const events: LambdaFunctionURLEvent[] = [];
  await serve(async (event) => {
    events.push(event);
    return { statusCode: 202, headers: { 'x-answer': 'yes' } };
  });
  const send = (type: string, body: string) =>
    fetch(`${served.url}path?a=1`, {
      method: 'POST',
      body,
      headers: { 'content-type': type, 'X-Mixed': 'é' },
    });
  const response = await send('application/json; charset=utf-8', '{"ü":1}');
  expect([response.status, response.headers.get('x-answer')]).toEqual([202, 'yes']);
  await send('application/octet-stream', '{"ü":1}');
  const [text, binary] = events;
  expect(text).toMatchObject({
    version: '2.0',
    rawPath: '/path',
    rawQueryString: 'a=1',
    headers: { 'x-mixed': 'é' },
    requestContext: { http: { method: 'POST', sourceIp: '127.0.0.1' } },
    body: '{"ü":1}',
    isBase64Encoded: false,
  });
  expect(binary).toMatchObject({ body: Buffer.from('{"ü":1}').toString('base64'), isBase64Encoded: true });
});

test('More concurrent requests than the reserved concurrency are refused with 429', async () => {
  const [ready, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let running = 0;
  await serve(async () => {
    if (++running === 2) ready.resolve();
    await end.promise;
    return { statusCode: 200 };
  }, 2);
  const send = async () => (await fetch(served.url, { method: 'POST', body: '{}' })).status;
  const first = [send(), send()];
  await ready.promise;
  expect([await send(), await send()]).toEqual([429, 429]);
  end.resolve();
  expect(await Promise.all(first)).toEqual([200, 200]);
});

test('A handler that throws is answered with 502', async () => {
  await serve(async () => {
    throw new Error('broken');
  });
  expect((await fetch(served.url)).status).toBe(502);
});

test('A body over 6 MiB is refused with 413', async () => {
  await serve(async () => ({ statusCode: 200 }));
  const response = await fetch(served.url, { method: 'POST', body: 'x'.repeat(6_291_457) });
  expect(response.status).toBe(413);
});
