import type { ListApiKeys } from '../../client/shapes.ts';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { printList } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { keyColumns } from './columns.ts';
import { readPages } from './read-pages.ts';

export type ListFlags = CallFlags & {
  status?: 'active' | 'suspended' | 'expired' | 'revoked';
  permissionSet?: string;
  environment?: 'live' | 'test';
  owner?: 'organization' | 'user' | 'me';
  origin?: 'latchkey' | 'workos' | 'ci' | 'imported';
  expiresBefore?: string;
  search?: string;
  sort?: 'created_at' | '-created_at' | 'expires_at' | 'label';
  limit?: number;
};

export const listKeys = command(async (context: Context, flags: ListFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  const query: ListApiKeys = {
    status: flags.status,
    permission_set: flags.permissionSet,
    environment: flags.environment,
    owner: flags.owner,
    origin: flags.origin,
    expires_before: flags.expiresBefore,
    q: flags.search,
    sort: flags.sort,
  };
  const read = (page: ListApiKeys) => client.keys.list({ ...query, ...page }, { signal: context.signal });
  const answer = await readPages(read, flags.limit);
  printList(context, flags, answer, { columns: keyColumns(context), rows: answer.data, empty: 'No keys.' });
  return undefined;
});
