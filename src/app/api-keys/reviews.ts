import type { Knex } from 'knex';
import { makeReviewReader } from '../../access-reviews/review-reader.ts';
import { KEY_COLUMNS, toKey } from '../../api-keys/rows/key-row.ts';
import type { Clock } from '../../clock.ts';
import { makeAskAboutCreators } from '../../members/ask-about-creators.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';

type Deps = {
  db: Knex;
  clock: Clock;
  catalogue: Pick<Catalogue, 'sets' | 'followsSets' | 'scopeNames' | 'implying'>;
};

/** Makes the parts of access reviews, with what sets and scopes grant by the product's configuration. */
export function makeReviews({ db, clock, catalogue }: Deps) {
  const { sets, followsSets, scopeNames, implying } = catalogue;
  const implied = [...scopeNames].map((name): [string, string[]] => [
    name,
    [...implying([name])].filter((each) => each !== name),
  ]);
  const reviews = makeReviewReader({
    db,
    keyRows: { columns: KEY_COLUMNS, toKey },
    granting: {
      followsSets,
      sets: Object.fromEntries(sets.map(({ name, scopes }) => [name, scopes])),
      implied: Object.fromEntries(implied.filter(([, others]) => others.length > 0)),
    },
  });
  const askAboutCreators = makeAskAboutCreators({ db, clock });
  return {
    reviews,
    askAboutCreators,
    /** Counts what a review finds, and the creators of whom that is not known. */
    async count(organizationId: string, now: Date) {
      const unknownCreators = await askAboutCreators(organizationId);
      return { ...(await reviews.count(organizationId, now)), unknownCreators };
    },
  };
}
