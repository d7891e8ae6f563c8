import type { Knex } from 'knex';
import { makeReviewReader } from '../../access-reviews/review-reader.ts';
import { KEY_COLUMNS, toKey } from '../../api-keys/rows/key-row.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';

type Deps = {
  db: Knex;
  catalogue: Pick<Catalogue, 'sets' | 'followsSets' | 'scopeNames' | 'implying'>;
};

/** Makes the reader of access reviews, with what sets and scopes grant by the product's configuration. */
export function makeReviews({ db, catalogue }: Deps) {
  const { sets, followsSets, scopeNames, implying } = catalogue;
  const implied = [...scopeNames].map((name): [string, string[]] => [
    name,
    [...implying([name])].filter((each) => each !== name),
  ]);
  return makeReviewReader({
    db,
    keyRows: { columns: KEY_COLUMNS, toKey },
    granting: {
      followsSets,
      sets: Object.fromEntries(sets.map(({ name, scopes }) => [name, scopes])),
      implied: Object.fromEntries(implied.filter(([, others]) => others.length > 0)),
    },
  });
}
