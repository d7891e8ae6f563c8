import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/**
 * Starts a proxy that leads every host to one server, as a product's DNS does, and returns the variables with which Node's
 * `fetch` and curl use it.
 */
export async function leadHostsTo(url: string): Promise<Record<string, string>> {
  const { hostname, port } = new URL(url);
  const proxy = createServer();
  proxy.on('connect', (_request, client) => {
    const server = connect(Number(port), hostname, () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    client.pipe(server).pipe(client);
    for (const one of [client, server]) one.on('error', () => [client, server].forEach((each) => each.destroy()));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  afterAll(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: address };
}
