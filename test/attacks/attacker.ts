import { connect } from 'node:net';

/**
 * An attacker without a credential, in a process of its own: opens sockets, pipelines a request many times on each, reads
 * the answers or leaves them unread, and reconnects when it is cut off. `node attacker.ts JSON` runs until it is killed.
 */
export type Attack = {
  host: string;
  port: number;
  /** The bytes of one request. */
  request: string;
  sockets: number;
  pipelined: number;
  reads: boolean;
  /** How long an unread socket is kept open; 0 for ever. */
  keptMs: number;
};

const AGAIN_MS = 10;
const LONGEST_MS = 120_000;
const ANSWER = /HTTP\/1\.1 \d/g;

const attack = JSON.parse(process.argv[2]!) as Attack;

function open(): void {
  const socket = connect(attack.port, attack.host);
  const send = () => socket.write(attack.request.repeat(attack.pipelined));
  let answers = 0;
  socket.on('connect', send);
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(open, AGAIN_MS));
  if (!attack.reads) {
    if (attack.keptMs > 0) setTimeout(() => socket.destroy(), attack.keptMs);
    socket.pause();
    return;
  }
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1').match(ANSWER)?.length ?? 0;
    if (answers < attack.pipelined) return;
    answers = 0;
    send();
  });
}

for (let i = 0; i < attack.sockets; i++) open();

// In case its parent has died.
setTimeout(() => process.exit(0), LONGEST_MS);
