import { z } from 'zod';
import type { Key } from '../api-keys/key.ts';
import { csvLine } from '../audit/csv/csv-line.ts';
import type { Clock } from '../clock.ts';
import { commaSeparated } from '../http/comma-separated.ts';
import { listOf, pageQuery, viewPage } from '../http/pagination.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { CsvAnswer } from '../http/server/csv-stream.ts';
import type { ReviewReader } from './review-reader.ts';
import { FINDINGS, ReviewedKeyView, UNUSED_DAYS, viewReviewed } from './reviewed-key.ts';

type Deps = {
  reviews: ReviewReader;
  /** Has WorkOS asked about creators who are unknown, and returns how many it has not answered about yet. */
  askAboutCreators: (organizationId: string) => Promise<number>;
  nameOf: (creator: Key['createdBy']) => string | null;
  clock: Clock;
};

const DAY_MS = 24 * 60 * 60_000;

const finding = commaSeparated(z.enum(FINDINGS), {
  max: FINDINGS.length,
  error: `Give one or more of ${FINDINGS.join(', ')}, separated by commas.`,
})
  .optional()
  .describe('Only keys with one of these findings, separated by commas; with any, if not given.');

const Review = listOf(ReviewedKeyView)
  .extend({
    unused_since: z.iso.datetime().describe('Beginning of the time in which a key or scope must have been used.'),
    scopes_recorded_since: z.iso
      .datetime()
      .describe('Since when required scopes are recorded; `unused_scopes` is not found where this is later.'),
    unknown_creators: z
      .int()
      .describe(
        'Creators of active keys of whom WorkOS has not said yet whether they left. This review has it asked: read it again in a minute.',
      ),
  })
  .meta({ id: 'AccessReview' });

type Viewed = z.input<typeof ReviewedKeyView>;

const COLUMNS: Readonly<Record<string, (key: Viewed) => string | null>> = {
  id: ({ id }) => id,
  label: ({ label }) => label,
  prefix: ({ prefix }) => prefix,
  permission_set: (key) => key.permission_set,
  environment: ({ environment }) => environment,
  status: ({ status }) => status,
  owner_type: ({ owner }) => owner.type,
  owner_id: ({ owner }) => owner.id,
  created_by_kind: (key) => key.created_by.kind,
  created_by_id: (key) => key.created_by.id,
  created_at: (key) => key.created_at,
  expires_at: (key) => key.expires_at,
  last_used_at: (key) => key.last_used_at,
  findings: ({ findings }) => findings.join(' '),
  scopes: ({ scopes }) => scopes.join(' '),
  used_scopes: (key) => key.used_scopes?.join(' ') ?? null,
  unused_scopes: (key) => key.unused_scopes.join(' '),
};
const NAMES = Object.keys(COLUMNS);

const MEANING =
  'Active and suspended keys of the organization with findings, newest first, without keys of CI jobs. A key is listed for as long as one of its findings holds: revoke it, give it an expiry, or replace it by one with fewer scopes.';

const access = {
  tag: 'API keys',
  method: 'get',
  scope: ['apikeys:read', 'apikeys:write'],
  billing: 'read',
  errors: [],
} as const;

/** The review of an organization's keys, as JSON and as CSV. */
export function reviewRoutes({ reviews, askAboutCreators, nameOf, clock }: Deps): Route[] {
  return [
    tenantRoute({
      ...access,
      operationId: 'getAccessReview',
      path: '/v1/access-review',
      summary: 'List keys that are unused, never expire, grant too much, or whose creator has left',
      description: MEANING,
      query: z.strictObject({ ...pageQuery, finding }),
      responses: { 200: Review },
      async handle({ caller, query: { finding: wanted = FINDINGS, ...page } }) {
        const now = clock();
        const unknownCreators = await askAboutCreators(caller.organizationId);
        const [found, recordedSince] = await Promise.all([
          reviews.list(caller.organizationId, wanted, page, now),
          reviews.recordedSince(),
        ]);
        return {
          ...viewPage(found, (each) => viewReviewed(each, { now, nameOf })),
          unused_since: new Date(now.getTime() - UNUSED_DAYS * DAY_MS).toISOString(),
          scopes_recorded_since: recordedSince.toISOString(),
          unknown_creators: unknownCreators,
        };
      },
    }),
    tenantRoute({
      ...access,
      operationId: 'exportAccessReview',
      path: '/v1/access-review/export',
      errors: ['concurrency_limited'],
      summary: 'Export the access review as CSV, newest key first',
      description: `The columns are ${NAMES.map((name) => `\`${name}\``).join(', ')}; lists have spaces between their items. A cell that a spreadsheet would take for a formula has an apostrophe before it.`,
      query: z.strictObject({ finding }),
      responses: { 200: CsvAnswer },
      async handle({ caller, query: { finding: wanted = FINDINGS }, context }) {
        await askAboutCreators(caller.organizationId);
        context.setHeader('content-disposition', 'attachment; filename="access-review.csv"');
        return linesOf(reviews.pieces(caller.organizationId, wanted, clock()), { now: clock(), nameOf });
      },
    }),
  ];
}

async function* linesOf(
  pieces: ReturnType<ReviewReader['pieces']>,
  viewing: Parameters<typeof viewReviewed>[1],
): AsyncGenerator<string> {
  yield csvLine(NAMES);
  for await (const piece of pieces)
    yield piece
      .map((each) => viewReviewed(each, viewing))
      .map((key) => csvLine(Object.values(COLUMNS).map((cell) => cell(key) ?? '')))
      .join('');
}
