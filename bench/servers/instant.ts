import { createServer } from 'node:net';

/** Answers without reading: what is measured against it is the load itself. Good for one request at a time. */
const BODY = '{"status":"ok"}';
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
);

createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', () => socket.write(ANSWER));
}).listen(Number(process.env['PORT']), '127.0.0.1');
