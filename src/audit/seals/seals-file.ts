import { open } from 'node:fs/promises';

const NEWLINE = 10;

/**
 * Appends a line to a file, creating the file if there is none, and returns once the line is on disk. Ends a line that a crash
 * cut short first, so that only that line is lost.
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
