import type { CreateApiKey } from '../../client/shapes.ts';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { CallFlags } from '../flags.ts';
import { column, printOne } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { chosenSink } from '../sinks/chosen-sink.ts';
import { handOver } from '../sinks/hand-over.ts';
import type { SinkFlags } from '../sinks/sink-flags.ts';

export type CreateFlags = CallFlags &
  SinkFlags & {
    label: string;
    permissionSet?: string;
    scopes?: readonly string[];
    owner?: 'organization' | 'user';
    description?: string;
    expiresIn?: string;
    expiresAt?: string;
    metadata?: readonly string[];
    addresses?: readonly string[];
    rateLimit?: { limit: number; window_seconds: number };
    concurrency?: number;
    dryRun?: boolean;
  };

const JUDGED = [
  column('LABEL', 'label'),
  column('PERMISSION SET', 'permission_set'),
  column('SCOPES', 'scopes'),
  column('ENVIRONMENT', 'environment'),
  column('OWNER', 'owner.type'),
  column('EXPIRES', 'expires_at'),
];

export const createKey = command(
  async (context: Context, flags: CreateFlags, ...program: string[]): Promise<Outcome> => {
    const sink = chosenSink(context, flags, program);
    const client = await connect(context, flags);
    const key = keyOf(flags);
    if (flags.dryRun) {
      const judged = await client.keys.dryRun(key, { signal: context.signal });
      printOne(context, flags, judged, JUDGED);
      return undefined;
    }
    await handOver(context, flags, {
      sink,
      make: async (call) => client.keys.create(key, call),
      revoke: client.keys.revoke,
    });
    return undefined;
  },
);

/** The key that the flags describe; what is not given is left to the product. */
function keyOf(flags: CreateFlags): CreateApiKey {
  const { metadata, addresses } = flags;
  return {
    label: flags.label,
    permission_set: flags.permissionSet,
    scopes: flags.scopes,
    owner: flags.owner,
    description: flags.description,
    expires_in: flags.expiresIn,
    expires_at: flags.expiresAt,
    ...(metadata && { metadata: Object.fromEntries(metadata.map(entryOf)) }),
    ...(addresses && { ip_allow_list: addresses }),
    rate_limit: flags.rateLimit,
    concurrency: flags.concurrency,
  };
}

function entryOf(pair: string): [string, string] {
  const [name, ...value] = pair.split('=');
  if (name === undefined || name === '' || value.length === 0)
    throw new CommandFailure(EXIT.usage, '--metadata needs NAME=VALUE.');
  return [name, value.join('=')];
}
