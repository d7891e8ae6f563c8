import { open } from 'node:fs/promises';

const NEWLINE = 10;

/**
 * Adds a line to a file, which is made where it is missing, and returns when it is on the disk. A line that a crash cut is ended
 * first, so that it spoils itself alone.
 */
export async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const last = size === 0 ? undefined : await file.read(Buffer.alloc(1), 0, 1, size - 1);
    const begin = last && last.buffer[0] !== NEWLINE ? '\n' : '';
    await file.appendFile(`${begin}${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads the lines of a file from its beginning. @throws Error with the code ENOENT when there is none */
export async function* readLines(path: string): AsyncGenerator<string> {
  const file = await open(path, 'r');
  // Closes the file after its last line, and when the reader stops early.
  for await (const line of file.readLines()) if (line !== '') yield line;
}
