import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { checkHash } from './check-hash.ts';

/** A text, and the hashes of which one may be its. */
export type Asked = { text: string; hashes: readonly string[] };

const NICE = 10;

// On Linux this is the priority of this thread alone; elsewhere that of the process, which stays as it is.
if (process.platform === 'linux') setPriority(0, NICE);

// Answers with the position of the hash that is the text's, or -1.
parentPort?.on('message', ({ text, hashes }: Asked) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(hashes.findIndex((hash) => checkHash(text, hash)));
});
