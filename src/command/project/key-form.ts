import type { KeyFormat } from '../../client/shapes.ts';
import type { KeyForm } from '../../scan/key-pattern.ts';
import { connectOpenly, serviceUrl } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { ConnectionFlags } from '../flags.ts';

export type FormFlags = ConnectionFlags & {
  livePrefix?: string;
  testPrefix?: string;
  checksum?: boolean;
  length?: number;
};

/** As the service takes prefixes. */
const PREFIX = /^[A-Za-z][A-Za-z0-9_]{1,15}$/;

/** What keys look like: by the flags, which need no network, else by the service. */
export async function formOf(context: Context, flags: FormFlags): Promise<KeyForm> {
  const { livePrefix: live, testPrefix: test, checksum = false, length } = flags;
  if (live === undefined) {
    if (test !== undefined || checksum || length !== undefined)
      throw new CommandFailure(EXIT.usage, '--test-prefix, --checksum and --length go with --live-prefix.');
    return formOfService(context, flags);
  }
  if ([live, test].some((prefix) => prefix !== undefined && !PREFIX.test(prefix)))
    throw new CommandFailure(EXIT.usage, 'A prefix has 2 to 16 letters, digits or _, and begins with a letter.');
  return { prefixes: [], format: { live, test, checksum, length, accept_bare: false } };
}

async function formOfService(context: Context, flags: ConnectionFlags): Promise<KeyForm> {
  const url = await serviceUrl(context, flags);
  const { key_format: format } = await connectOpenly(context, { ...flags, url }).client.meta.get({
    signal: context.signal,
  });
  if (!format)
    throw new CommandFailure(
      EXIT.usage,
      'This Latchkey is too old to say what its keys look like. Give --live-prefix.',
    );
  return readForm(format);
}

function readForm({ live, test, checksum, length, bare_prefixes: prefixes }: KeyFormat): KeyForm {
  if (live === null) return { prefixes };
  const format = { live, test: test ?? undefined, checksum, length: length ?? undefined };
  return { prefixes, format: { ...format, accept_bare: prefixes.length > 0 } };
}
