import type { Server } from 'node:http';

/** Returns the address to bind for a host. Throws for an address that another machine can reach. */
export function loopbackAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)) return host;
  throw new Error(`The local WorkOS listens on loopback only (127.0.0.1, ::1 or localhost), not on ${host}.`);
}

/** Listens and returns the base URL. Throws an error that names the port when it is taken. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`Port ${port} on ${host} is already in use.`, { cause: error }) : error);
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}
