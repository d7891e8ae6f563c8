import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll } from 'vitest';

export type Body = {
  type: string;
  timestamp: string;
  data: {
    organization_id: string;
    api_key?: Record<string, unknown>;
    actor?: { kind: string; id: string };
    details: Record<string, unknown>;
  };
};
/** A try to deliver, as it came in; `text` is the body to the byte. */
export type Received = { id: string; path: string; headers: Record<string, string>; text: string; body: Body };
/** What to answer: a status, or nothing at all. */
export type Answer = number | 'hang' | { status: number; headers: Record<string, string> };

export const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`;

type Answering = (letter: Received) => Answer | Promise<Answer>;
const yes: Answering = () => 200;

/** Somebody who is told: checks every signature with the official library, and answers what a test wants. */
export async function startReceiver() {
  const secret = newSecret();
  const tries: Received[] = [];
  const taken: Received[] = [];
  const wrong: unknown[] = [];
  let answer = yes;

  async function receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const text = Buffer.concat(await req.toArray()).toString('utf8');
    const headers = req.headers as Record<string, string>;
    try {
      const body = new Webhook(secret).verify(text, headers) as Body;
      const letter = { id: headers['webhook-id']!, path: req.url ?? '', headers, text, body };
      tries.push(letter);
      const said = await answer(letter);
      if (said === 'hang') return;
      const { status, headers: more } = typeof said === 'number' ? { status: said, headers: {} } : said;
      if (status < 300) taken.push(letter);
      res.writeHead(status, more).end();
    } catch (error) {
      wrong.push(error);
      res.writeHead(401).end();
    }
  }

  const server = createServer((req, res) => void receive(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notices`,
    secret,
    /** Every try with a good signature. */
    tries: tries as readonly Received[],
    /** What was answered 2xx. */
    taken: taken as readonly Received[],
    /** Tries without one. */
    wrong: wrong as readonly unknown[],
    /** What was taken of one organization: types in their order. */
    typesOf: (organizationId: string) => ofOrganization(taken, organizationId).map(({ body }) => body.type),
    takenOf: (organizationId: string) => ofOrganization(taken, organizationId),
    answerWith(next: Answering) {
      answer = next;
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

function ofOrganization(letters: readonly Received[], organizationId: string): Received[] {
  return letters.filter(({ body }) => body.data.organization_id === organizationId);
}
