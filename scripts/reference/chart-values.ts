import { readFileSync } from 'node:fs';
import { VARIABLES } from '../../src/app/read-config.ts';

export const CHART_SCHEMA = new URL('../../deploy/helm/latchkey/values.schema.json', import.meta.url);

/** What a variable that holds a secret, or may, is called: every address but those of WorkOS may have a password in it. */
const SECRET = /SECRET|TOKEN|PASSWORD|API_KEY(?:_|$)|^(?!WORKOS_).*_URL/;
const SET_BY_THE_CHART = [
  'LATCHKEY_AUDIT_SEALS',
  'LATCHKEY_CONFIG',
  'LATCHKEY_OPERATIONS_PORT',
  'LATCHKEY_ROLE',
  'PORT',
  'SHUTDOWN_DELAY_MS',
  'SHUTDOWN_GRACE_MS',
];

type Schema = { definitions: { variables: { propertyNames: { enum: string[] } } } };

/** Returns the variables that `config` of the chart may have: none that is secret, and none that the chart sets itself. */
export function chartVariables(): string[] {
  return VARIABLES.filter((name) => !SECRET.test(name) && !SET_BY_THE_CHART.includes(name));
}

/** Returns the schema of the chart's values with the variables that the service has now. */
export function chartSchema(): string {
  const schema = JSON.parse(readFileSync(CHART_SCHEMA, 'utf8')) as Schema;
  schema.definitions.variables.propertyNames.enum = chartVariables();
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
