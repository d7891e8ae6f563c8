import { auditActionsPage } from './audit-actions.ts';
import { commandsPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { errorCodesPage } from './error-codes.ts';
import { latchkeyPage } from './latchkey.ts';
import { licencesPage } from './licences.ts';
import { metricsPage } from './metrics.ts';
import type { Page } from './page.ts';
import { routesPage } from './routes.ts';
import { variablesPage } from './variables.ts';
import { webhookEventsPage } from './webhook-events.ts';

/** Returns every page of docs/reference that is made of the code. */
export function referencePages(): Promise<Page[]> {
  return Promise.all([
    auditActionsPage(),
    commandsPage(),
    configurationPage(),
    errorCodesPage(),
    latchkeyPage(),
    licencesPage(),
    metricsPage(),
    routesPage(),
    variablesPage(),
    webhookEventsPage(),
  ]);
}
