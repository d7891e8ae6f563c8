import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

/** What proxies wrote. */
export const proxyLogs: string[] = [];

/** An API behind a proxy: it answers every request and keeps the headers that reached it. */
export async function startApi(): Promise<{ port: number; seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    seen.push(req.headers);
    // An answer that a proxy has something to say about.
    if (req.url?.includes('/broken')) return void req.socket.destroy();
    req.resume();
    res.end('from the API');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  afterAll(() => void server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

type Ports = { latchkey: number; api: number };
type Proxy = {
  example: string;
  /** Named by `example`. */
  beside?: string;
  command: (configuration: string, folder: string) => [string, ...string[]];
};

/** An example from deploy/examples, with its ports replaced. */
export async function readExample(example: string, ports: Ports & { own?: number }): Promise<string> {
  const text = await readFile(new URL(`../../deploy/examples/${example}`, import.meta.url), 'utf8');
  const replaced = { 3000: ports.latchkey, 8080: ports.api, 8000: ports.own ?? 8000 };
  return Object.entries(replaced).reduce(
    (changed, [port, other]) =>
      changed
        .replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${other}`)
        .replaceAll(`port_value: ${port}`, `port_value: ${other}`),
    text,
  );
}

/** Whether a program is on this machine. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
}

/** Runs a proxy on its example from deploy/examples, with the example's ports replaced by free ones. */
export async function startProxy({ example, beside, command }: Proxy, ports: Ports): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-proxy-'));
  const port = await freePort();
  const write = async (name: string) => {
    const text = (await readExample(name, { ...ports, own: port }))
      .replaceAll('/tmp/latchkey-example-nginx', join(folder, 'nginx'))
      .replaceAll('deploy/examples/', `${folder}/`);
    await writeFile(join(folder, name), text);
  };
  await write(example);
  if (beside !== undefined) await write(beside);
  const configuration = join(folder, example);
  const [program, ...args] = command(configuration, folder);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: folder } });
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString();
    proxyLogs.push(data.toString());
  });
  afterAll(async () => {
    child.kill('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return url;
    await sleep(50);
  }
  throw new Error(`${program} does not answer: ${said}`);
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
