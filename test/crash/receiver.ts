import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** One delivery attempt, as it came in. */
export type Try = { id: string; text: string; type: string; subject: string; taken: boolean };
/** Which attempt for an organization is refused: it is answered with 500, or its connection is cut. */
export type Trouble = { nth: number; answer: 500 | 'nothing' };
export type Receiver = Awaited<ReturnType<typeof openReceiver>>;

type Mailbox = { organizationId: string; tries: Try[]; troubles: readonly Trouble[] };
type Body = {
  type: string;
  data: { organization_id: string; api_key?: { id: string }; details: { from?: string; to?: string } };
};

/** A receiver of the outgoing webhooks of a rig's organizations. */
export async function openReceiver() {
  const secret = newSecret();
  const webhook = new Webhook(secret);
  let mailbox: Mailbox | undefined;
  const complaints: string[] = [];

  async function receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const text = Buffer.concat(await req.toArray()).toString('utf8');
    const { type, data } = webhook.verify(text, req.headers as Record<string, string>) as Body;
    const box = mailbox?.organizationId === data.organization_id ? mailbox : undefined;
    const answer = box?.troubles.find(({ nth }) => nth === box.tries.length)?.answer ?? 204;
    const { from, to } = data.details;
    box?.tries.push({
      id: String(req.headers['webhook-id']),
      text,
      type,
      subject: data.api_key?.id ?? `${from} to ${to}`,
      taken: answer === 204,
    });
    if (answer === 'nothing') req.socket.destroy();
    else res.writeHead(answer).end();
  }

  const server = createServer((req, res) => {
    receive(req, res).catch((error: unknown) => {
      // A sender that dies in the middle of a request has sent nothing.
      if (!req.complete) return;
      complaints.push(`a webhook could not be read: ${String(error)}`);
      res.writeHead(400).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secret,
    /** Keeps the attempts for one organization from now on, in their order. */
    keep(organizationId: string, troubles: readonly Trouble[]): readonly Try[] {
      const tries: Try[] = [];
      mailbox = { organizationId, tries, troubles };
      return tries;
    },
    complaints: () => complaints.splice(0),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
