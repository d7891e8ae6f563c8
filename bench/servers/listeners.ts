import { createServer } from 'node:http';
import { Client } from 'pg';
import { INVALIDATION_CHANNEL, parsePayload } from '../../src/invalidation/invalidation.ts';

/** Many connections that listen for changes, as that many replicas have. `GET /received`: how many changes all have received. */
const received: number[] = [];
for (let i = 0; i < Number(process.env['LISTENERS']); i++) {
  const client = new Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  received.push(0);
  client.on('notification', ({ payload }) => {
    received[i]! += parsePayload(payload)?.length ?? 0;
  });
  await client.query(`listen ${INVALIDATION_CHANNEL}`);
}

createServer((_req, res) => {
  res.end(JSON.stringify(Math.min(...received)));
}).listen(Number(process.env['PORT']), '127.0.0.1');
