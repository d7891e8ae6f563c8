import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { freePort } from '../../process/start.ts';
import { startChild } from '../../support/child.ts';
import type { Service } from '../../support/service.ts';

/** Starts the ingestion API behind a Caddy that asks Latchkey about each request, and returns its address. */
export async function startIngestion(service: Pick<Service, 'url'>): Promise<string> {
  const port = await freePort();
  const file = join(await mkdtemp(join(tmpdir(), 'latchkey-proxy-')), 'Caddyfile');
  const latchkey = new URL(service.url).host;
  await writeFile(
    file,
    `{
	admin off
	auto_https off
}
http://127.0.0.1:${port} {
	route /api/v1/ingest {
		forward_auth ${latchkey} {
			uri /api/v1/auth?scope=api:write
		}
		header content-type application/json
		respond \`{"accepted":true}\` 202
	}
}
`,
  );
  const caddy = startChild('caddy', ['run', '--adapter', 'caddyfile', '--config', file]);
  afterAll(() => caddy.kill('SIGTERM'));
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 60_000;
  while (!(await isAnswering(url))) {
    if (performance.now() > deadline) throw new Error(`The proxy does not answer:\n${caddy.stderr()}`);
    await sleep(20);
  }
  return url;
}

function isAnswering(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}
