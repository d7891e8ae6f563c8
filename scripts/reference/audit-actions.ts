import { AUDIT_ACTION_MEANINGS } from '../../src/audit/audit-event.ts';
import type { AuditAction } from '../../src/audit/audit-event.ts';
import { auditSchemaOf } from '../../src/webhooks/audit-logs/audit-schemas.ts';
import { codes, tablesPage } from './page.ts';
import type { Page } from './page.ts';

const INTRODUCTION = `Every change is one event in the audit log of its organization. \`GET /v1/audit-events\` lists them, newest first, and
docs/explanation/audit-log.md says what the log proves. No event has a secret.`;

/** Returns the page of every audit action, from the table that types them. */
export function auditActionsPage(): Promise<Page> {
  const entries = Object.entries(AUDIT_ACTION_MEANINGS).map(([name, meaning]) => ({
    name,
    meaning,
    targets: auditSchemaOf(name as AuditAction).targets,
  }));
  return tablesPage(
    { file: 'audit-actions.md', title: 'Audit actions', introduction: INTRODUCTION },
    {
      action: ({ name }) => codes([name]),
      target: ({ targets }) => codes(targets),
      'recorded when': ({ meaning }) => meaning,
    },
    [{ entries }],
  );
}
