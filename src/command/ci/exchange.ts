import type { ExchangedCiToken } from '../../client/client.ts';
import { connectOpenly } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { chosenSink } from '../sinks/chosen-sink.ts';
import { handOver } from '../sinks/hand-over.ts';
import type { SinkFlags } from '../sinks/sink-flags.ts';
import type { Described } from '../sinks/sink.ts';
import { readJobToken } from './job-token.ts';

export type WantedFlags = CallFlags & {
  policy: string;
  audience?: string;
  permissionSet?: string;
  scopes?: readonly string[];
  environment?: 'live' | 'test';
  lifetimeSeconds?: number;
};

/** Gives back a key or CI session that was exchanged; no credential is needed for it. */
export type Exchanged = ExchangedCiToken & { giveBack: () => Promise<void> };

/** Exchanges the token of this job for what its policy issues: a key or a CI session. An answer that is lost is asked for again, and gives the same. */
export async function exchangeToken(
  context: Context,
  flags: WantedFlags,
  call: { idempotencyKey: string },
): Promise<Exchanged> {
  const { client } = connectOpenly(context, flags);
  const token = await readJobToken(context, flags.audience);
  const wanted = {
    policy: flags.policy,
    token,
    permission_set: flags.permissionSet,
    scopes: flags.scopes,
    environment: flags.environment,
    lifetime_seconds: flags.lifetimeSeconds,
  };
  const exchanged = await client.ci.exchange(wanted, call);
  return { ...exchanged, giveBack: async () => void (await client.ci.revoke(exchanged.revoke_token)) };
}

function describedBy(exchanged: ExchangedCiToken): Described {
  return 'session' in exchanged ? { ...exchanged.session, label: 'CI session' } : exchanged.api_key;
}

/** Puts the key of this job where a later step finds it. It ends at its expiry. */
export const exchange = command(
  async (context: Context, flags: WantedFlags & SinkFlags, ...program: string[]): Promise<Outcome> => {
    const sink = chosenSink(context, flags, program);
    let exchanged: Exchanged | undefined;
    const make = async (call: { idempotencyKey: string }): Promise<Described & { value: string }> => {
      exchanged = await exchangeToken(context, flags, call);
      return { ...describedBy(exchanged), value: exchanged.access_token };
    };
    await handOver(context, flags, { sink, make, revoke: async () => exchanged?.giveBack() });
    return undefined;
  },
);
