import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/**
 * Traefik and Envoy cannot be had from the registries that these tests may use, so that without their programs on this
 * machine they are played: a server that reads the example's own file and sends Latchkey the request, method, address
 * and headers, that the proxy's documentation says it sends, and makes of the answer what it says it makes. Of each
 * configuration it knows what the example uses. It proves the example's logic and what Latchkey is asked and answers,
 * not that the real proxy accepts the file.
 */
export type Ask = { method: string; url: string; headers: OutgoingHttpHeaders };
type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** How a proxy does it: `undefined` where it has no route. */
export type Plan = {
  /** The question about a request. */
  ask: Ask;
  /** What is told to the client of a refusal. */
  refusal: (answer: Answer) => OutgoingHttpHeaders;
  /** With which headers a request goes on. */
  forward: (answer: Answer) => OutgoingHttpHeaders;
  /** Where it goes. */
  api: string;
};

/** Serves by plans. @returns its address */
export async function standIn(planOf: (req: IncomingMessage) => Plan | undefined): Promise<string> {
  const handle = async (...[req, res]: Parameters<RequestListener>) => {
    const plan = planOf(req);
    if (!plan) return res.writeHead(404).end();
    const answer = await send(plan.ask);
    if (answer.status < 200 || answer.status > 299) {
      return res.writeHead(answer.status, plan.refusal(answer)).end(answer.body);
    }
    const headers = plan.forward(answer);
    const passed = await send({ method: req.method!, url: plan.api + req.url, headers });
    return res.writeHead(passed.status).end(passed.body);
  };
  const server = createServer((req, res) => {
    handle(req, res).catch((error: unknown) => res.destroy(error as Error));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  afterAll(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function send({ method, url, headers }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sending.on('error', reject).end();
  });
}

/** The headers whose names, in lower case, pass. */
export function pick(headers: OutgoingHttpHeaders, passes: (name: string) => boolean): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => passes(name)));
}
