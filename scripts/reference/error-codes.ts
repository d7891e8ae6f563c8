import { ERRORS } from '../../src/errors.ts';
import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';

const INTRODUCTION = `Every error is answered as \`{"error":{"code","message","request_id","details"?}}\`. Switch on \`code\`, never on \`message\`.
Which route answers which codes is in docs/reference/routes.md.`;

/** Returns the page of every error code, from the table that gives its status. */
export function errorCodesPage(): Promise<Page> {
  const entries = Object.entries(ERRORS).map(([name, error]) => ({ name, ...error }));
  return tablesPage(
    { file: 'error-codes.md', title: 'Error codes', introduction: INTRODUCTION },
    {
      code: ({ name }) => codes([name]),
      status: ({ status }) => String(status),
      meaning: ({ meaning }) => meaning,
      'what to do': ({ remedy }) => remedy,
    },
    [{ entries }],
  );
}
