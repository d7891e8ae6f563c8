import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Response } from 'express';
import { sendStream } from '../../src/http/server/event-stream.ts';
import { makeInvalidationHub } from '../../src/invalidation/invalidation-hub.ts';
import { makeInvalidationStreams } from '../../src/invalidation/invalidation-streams.ts';

/**
 * Streams of changes alone, without the rest of a replica. `GET /streams` opens one. `GET /measure?seconds=N&rate=N` makes
 * changes at random times, and answers how many, and what they cost.
 */
const hub = makeInvalidationHub();
const streams = makeInvalidationStreams({ hub, trust: { isTrusted: () => true } });

/** A stream needs nothing of Express. */
const open = (res: ServerResponse) =>
  sendStream(res as Response, 'GET', streams.open({ organizationId: undefined, lastEventId: undefined }));

async function measure(seconds: number, rate: number): Promise<object> {
  const from = performance.now();
  const cpu = process.cpuUsage();
  let changes = 0;
  for (let at = from; at < from + seconds * 1_000; at += (-Math.log(1 - Math.random()) * 1_000) / rate) {
    await sleep(Math.max(0, at - performance.now()));
    const name = String(changes++).padStart(26, '0');
    hub.invalidate({ organizationId: `org_${name}`, keyId: `api_key_${name}` });
  }
  const { user, system } = process.cpuUsage(cpu);
  return { changes, cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - from) / 1_000 };
}

createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
  if (pathname === '/streams') open(res);
  else if (pathname === '/measure')
    void measure(Number(searchParams.get('seconds')), Number(searchParams.get('rate'))).then((measured) =>
      res.end(JSON.stringify(measured)),
    );
  else res.end(String(streams.count()));
}).listen(Number(process.env['PORT']), '127.0.0.1');
