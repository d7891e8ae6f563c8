import { randomBytes } from 'node:crypto';
import { link, open, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Answer } from '../../client/fetch.ts';
import { connect } from '../connection.ts';
import { toStderr, toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';
import { makeProgress } from '../output/progress.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { filtersOf } from './list.ts';
import type { FilterFlags } from './list.ts';

const TIMEOUT_SECONDS = 600;
const KILOBYTE = 1_024;

export type AuditExportFlags = ConnectionFlags & FilterFlags & { out?: string };

/** Writes all events as CSV, as they come. A file is there once it is whole: an interrupted export leaves none. */
export const exportEvents = command(async (context: Context, flags: AuditExportFlags): Promise<Outcome> => {
  const client = await connect(context, { ...flags, timeout: flags.timeout ?? TIMEOUT_SECONDS });
  const progress = makeProgress(context);
  let characters = 0;
  const read = async (write: (piece: string) => void) => {
    const onText = (piece: string) => {
      characters += piece.length;
      write(piece);
      progress.show(() => `Exporting: ${Math.ceil(characters / KILOBYTE)} KB`);
    };
    try {
      await client.audit.exportCsv(filtersOf(flags), {
        signal: context.signal,
        read: async (answer) => readPieces(answer, onText),
      });
    } finally {
      progress.clear();
    }
  };
  if (flags.out === undefined) await read((piece) => toStdout(context, piece));
  else await writeWhole(context, flags.out, read);
  return undefined;
});

/** Hands on whole characters, however the network cuts them. */
async function readPieces({ body }: Answer, onText: (piece: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  for await (const bytes of (body ?? []) as AsyncIterable<Uint8Array>) onText(decoder.decode(bytes, { stream: true }));
  onText(decoder.decode());
  return '';
}

async function writeWhole(
  context: Context,
  named: string,
  read: (write: (piece: string) => void) => Promise<void>,
): Promise<void> {
  const path = resolve(context.workingFolder, named);
  if (await stat(path).catch(() => undefined)) throw exists(named);
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`);
  const file = await open(draft, 'wx', 0o600).catch((error: unknown) => {
    throw new CommandFailure(EXIT.usage, (error as Error).message, { cause: error });
  });
  try {
    let written: Promise<unknown> = Promise.resolve();
    await read((piece) => {
      written = written.then(async () => file.appendFile(piece));
      // Awaited below, with the first failure of all.
      written.catch(() => undefined);
    });
    await written;
    await file.sync();
    // Unlike a renaming, this replaces nothing.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw exists(named, error);
    });
  } finally {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
  toStderr(context, `Wrote ${named}.\n`);
}

function exists(named: string, cause?: unknown): CommandFailure {
  return new CommandFailure(EXIT.usage, `${named} exists. Delete it, or choose another file.`, { cause });
}
