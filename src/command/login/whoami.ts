import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { column, printOne } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

export const whoami = command(async (context: Context, flags: CallFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  const session = await client.session.get({ signal: context.signal });
  const own = { user: ['email', 'name', 'role'], api_key: ['api_key_id', 'api_key_label'], machine: ['client_id'] };
  const fields = ['kind', 'organization_id', ...own[session.kind], 'permissions', 'ip'];
  printOne(
    context,
    flags,
    session,
    fields.map((field) => column(field.toUpperCase().replaceAll('_', ' '), field)),
  );
  return undefined;
});
