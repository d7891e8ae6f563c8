import { randomUUID } from 'node:crypto';
import { LatchkeyError } from '../../client/latchkey-error.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT, failureOf } from '../failure.ts';
import type { OutputFlags } from '../flags.ts';
import { printJson } from '../output/print.ts';
import { printSecret } from './chosen-sink.ts';
import type { Described, Sink } from './sink.ts';

type Revoke = (id: string) => Promise<unknown>;
type Make = (call: { idempotencyKey: string }) => Promise<Described & { value: string }>;

/**
 * Makes a key and puts its secret where it belongs. The place is checked before the key is made, and a key whose secret
 * did not arrive there is revoked, so that no working key is lost.
 */
export async function handOver(
  context: Context,
  flags: OutputFlags,
  { sink, make, revoke }: { sink: Sink | undefined; make: Make; revoke: Revoke },
): Promise<void> {
  await sink?.check().catch((error: unknown) => {
    throw new CommandFailure(EXIT.usage, (error as Error).message, { cause: error });
  });
  context.signal.throwIfAborted();
  const { value, ...key } = await makeOnce(make);
  try {
    context.signal.throwIfAborted();
    await sink?.put(value, key);
    context.signal.throwIfAborted();
  } catch (error) {
    throw await revoked(revoke, key.id, error);
  }
  if (!sink && flags.json) return printJson(context, { ...key, value });
  if (sink && flags.json) printJson(context, key);
  else toStderr(context, `Created ${key.id} (${key.label})${sink ? `, its secret is in ${sink.name}` : ''}.\n`);
  if (!sink) printSecret(context, value);
}

/** An answer that was lost is asked for again under the same key of idempotency, which gives the same key. */
async function makeOnce(make: Make): ReturnType<Make> {
  const idempotencyKey = randomUUID();
  try {
    return await make({ idempotencyKey });
  } catch (error) {
    if (!(error instanceof LatchkeyError) || error.status !== undefined) throw error;
    return make({ idempotencyKey });
  }
}

async function revoked(revoke: Revoke, id: string, error: unknown): Promise<CommandFailure> {
  const { message, exitCode } = failureOf(error);
  try {
    await revoke(id);
  } catch (failure) {
    const reason = failureOf(failure).message;
    return new CommandFailure(EXIT.failed, `${message} The key ${id} could NOT be revoked: ${reason}`, {
      cause: error,
    });
  }
  return new CommandFailure(exitCode, `${message} The key ${id} was revoked.`, { cause: error });
}
