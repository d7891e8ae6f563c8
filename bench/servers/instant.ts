import { createServer } from 'node:net';

/** Answers without reading the request, to measure the load generator itself. Right only without pipelining. */
const BODY = '{"status":"ok"}';
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
);

createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', () => socket.write(ANSWER));
}).listen(Number(process.env['PORT']), '127.0.0.1');
