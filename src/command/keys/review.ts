import type { ReviewFinding, ReviewedApiKey } from '../../client/shapes.ts';
import { connect } from '../connection.ts';
import { toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { column, printList } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { timeText } from '../output/times.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { readPages } from './read-pages.ts';

/** The service looks through all keys before a file is whole. */
const TIMEOUT_SECONDS = 600;

export type ReviewFlags = CallFlags & { finding?: readonly string[]; csv?: boolean; limit?: number };

const ofKey =
  (valueOf: (key: ReviewedApiKey) => string) =>
  (row: object): string =>
    valueOf(row as ReviewedApiKey);

function columnsFor(context: Context): Column[] {
  return [
    column('ID', 'id'),
    column('LABEL', 'label'),
    column('FINDINGS', 'findings'),
    ['LAST USED', ofKey((key) => timeText(context, key.last_used_at))],
    ['EXPIRES', ofKey((key) => timeText(context, key.expires_at))],
    ['CREATED BY', ofKey(({ created_by: by }) => by.name ?? `${by.kind} ${by.id}`)],
    column('UNUSED SCOPES', 'unused_scopes'),
  ];
}

/** Lists the keys with findings, as a table or as the service's CSV. The service knows the names of findings. */
export const reviewKeys = command(async (context: Context, flags: ReviewFlags): Promise<Outcome> => {
  const client = await connect(context, flags.csv ? { ...flags, timeout: flags.timeout ?? TIMEOUT_SECONDS } : flags);
  const query = { finding: flags.finding as readonly ReviewFinding[] | undefined };
  const call = { signal: context.signal };
  if (flags.csv) {
    toStdout(context, await client.accessReview.exportCsv(query, call));
    return undefined;
  }
  const answer = await readPages((page) => client.accessReview.list({ ...query, ...page }, call), flags.limit);
  printList(context, flags, answer, { columns: columnsFor(context), rows: answer.data, empty: 'No findings.' });
  return undefined;
});
