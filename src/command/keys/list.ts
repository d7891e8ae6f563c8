import type { ApiKey, KeyPage, ListApiKeys } from '../../client/shapes.ts';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { printList } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { keyColumns } from './columns.ts';

const PAGE = 100;

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

/** Reads pages until there are as many keys as wanted: all of them, unless a limit is given. */
async function readPages(read: (page: ListApiKeys) => Promise<KeyPage>, limit = Infinity): Promise<KeyPage> {
  const data: ApiKey[] = [];
  let page: KeyPage | undefined;
  do {
    const after: string | undefined = page?.list_metadata.after ?? undefined;
    page = await read({ limit: Math.min(PAGE, limit - data.length), ...(after !== undefined && { after }) });
    data.push(...page.data);
  } while (page.list_metadata.after !== null && data.length < limit);
  return { data, list_metadata: page.list_metadata };
}
