import { createServer } from 'node:http';

/** `node:http` alone: parses the body and answers the bytes of `ANSWER`, without a log. */
const answer = process.env['ANSWER'] ?? '';
const headers = ['content-type', 'application/json; charset=utf-8', 'content-length', `${answer.length}`];

createServer((req, res) => {
  const respond = () => res.writeHead(200, headers).end(answer, 'latin1');
  if (req.method !== 'POST') return void respond();
  req.on('data', (bytes: Buffer) => {
    JSON.parse(bytes.toString('latin1'));
    respond();
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
