import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags, ConfirmFlags } from '../flags.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { chosenSink } from '../sinks/chosen-sink.ts';
import { handOver } from '../sinks/hand-over.ts';
import type { SinkFlags } from '../sinks/sink-flags.ts';

export type RotateFlags = CallFlags & ConfirmFlags & SinkFlags & { graceSeconds?: number };

export const rotateKey = command(
  async (context: Context, flags: RotateFlags, id: string, ...program: string[]): Promise<Outcome> => {
    const sink = chosenSink(context, flags, program);
    const client = await connect(context, flags);
    const { graceSeconds = 0 } = flags;
    if (graceSeconds === 0) await confirm(context, flags, `Rotate ${id}? Its old secret is refused at once.`);
    const make = async (call: { idempotencyKey: string }) =>
      client.keys.rotate(id, { grace_seconds: graceSeconds }, call);
    await handOver(context, flags, { sink, make, revoke: client.keys.revoke });
    return undefined;
  },
);
