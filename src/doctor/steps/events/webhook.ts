import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseEvent } from '../../../workos/events/event.ts';
import { Skip } from '../../finding.ts';
import { makeKey } from '../../keys.ts';
import { expectStatus, need, text } from '../../read.ts';
import type { World } from '../../world.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const MAX_BYTES = 1_048_576;

type Delivery = { body: Buffer; signature: string };

/** Registers a webhook endpoint, creates a key and checks the delivery of its event. */
export async function webhook(world: World): Promise<void> {
  const { options, target, call, after } = world;
  if (!options.webhook && !LOOPBACK.test(new URL(target.apiUrl).hostname))
    throw new Skip('WorkOS cannot reach this machine: pass --webhook-url and --webhook-port of a tunnel.');
  const deliveries: Delivery[] = [];
  const server = await listen(deliveries, options.webhook?.port ?? 0);
  world.undo('the listener for webhooks', async () => {
    server.closeAllConnections();
    server.close();
  });
  const url = options.webhook?.url ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const path = '/webhook_endpoints';
  const body = {
    endpoint_url: `${url.replace(/\/+$/, '')}/latchkey-doctor-${world.mark}`,
    events: ['api_key.created'],
  };
  const made = expectStatus(await call('POST', path, { body }), 'the new webhook endpoint', 201);
  const id = need(made, 'the webhook endpoint', 'id');
  world.undo(`webhook endpoint ${id}`, async () => {
    expectStatus(await after('DELETE', `${path}/${id}`), 'its deletion', 200, 204, 404);
  });
  const secret = need(made, 'the webhook endpoint', 'secret');
  world.secrets.add(secret);
  const key = await makeKey(world);
  const delivery = await received(world, deliveries, key.id);
  await judgeDelivery(world, delivery, secret);
}

async function listen(deliveries: Delivery[], port: number): Promise<Server> {
  const server = createServer((request, response) => {
    readDelivery(request).then(
      (delivery) => {
        deliveries.push(delivery);
        return response.end();
      },
      () => response.destroy(),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function readDelivery(request: IncomingMessage): Promise<Delivery> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('The webhook is too large.');
    chunks.push(chunk);
  }
  return { body: Buffer.concat(chunks), signature: String(request.headers['workos-signature'] ?? '') };
}

async function received(world: World, deliveries: Delivery[], keyId: string): Promise<Delivery | undefined> {
  const deadline = Date.now() + world.options.waitMs;
  for (;;) {
    const found = deliveries.find(({ body }) => body.includes(keyId));
    if (found || Date.now() > deadline) return found;
    await wait(world.options.pauseMs / 10, undefined, { signal: world.signal });
  }
}

async function judgeDelivery(world: World, delivery: Delivery | undefined, secret: string): Promise<void> {
  const wrong = (seen: string, todo: string): void =>
    world.differs({
      name: 'webhook',
      breaks: true,
      assumes: 'that an event comes by webhook, signed, with the body that the Events API has',
      seen,
      todo,
    });
  if (!delivery) return wrong('no delivery', 'Check that WorkOS reaches the address. Events are polled in any case.');
  const isSigned = await world.judge.verifyWebhook(secret)(delivery.body, delivery.signature);
  if (!isSigned)
    wrong(
      `a signature of the form ${delivery.signature.replaceAll(/[0-9a-f]{16,}/g, 'HEX').replaceAll(/\d{8,}/g, 'DIGITS')}`,
      'Compare the clocks of both sides: every webhook will be refused.',
    );
  const event: unknown = JSON.parse(delivery.body.toString('utf8'));
  // The step that reads all events reports unreadable ones.
  const read = parseEvent(event).success ? 'which can be read' : 'which cannot be read';
  world.note(`Delivered ${text(event, 'event') ?? 'an event'}, ${read}${isSigned ? ', with a good signature' : ''}.`);
}
