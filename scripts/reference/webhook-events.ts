import { WEBHOOK_TYPES } from '../../src/product/webhook-types.ts';
import { WEBHOOK_BODIES, WEBHOOK_SUMMARIES } from '../../src/webhooks/webhook.ts';
import { fieldsOf, jsonSchemaOf } from './fields.ts';
import type { Field } from './fields.ts';
import { codes, makePage, tableOf } from './page.ts';
import type { Page } from './page.ts';

const INTRODUCTION = `Each event is one signed \`POST\` to every endpoint that wants its type, in the format of Standard Webhooks:
docs/how-to/send-webhooks.md says how to set endpoints up, and how deliveries are signed, ordered and retried.`;

const COLUMNS = {
  field: ({ name }: Field) => codes([name]),
  type: ({ type }: Field) => type,
  meaning: ({ meaning }: Field) => meaning,
};

/** Returns the page of every type of outgoing webhook, with the fields of its payload. */
export function webhookEventsPage(): Promise<Page> {
  const events = WEBHOOK_TYPES.map((name) => ({
    name,
    meaning: `${WEBHOOK_SUMMARIES[name]}.`,
    fields: fieldsOf(jsonSchemaOf(WEBHOOK_BODIES[name], 'output')),
  }));
  const overview = tableOf(
    {
      event: ({ name }) => codes([name]),
      'sent when': ({ meaning }) => meaning,
      'fields of `data`': ({ fields }) => codes(topOf(fields)),
    },
    { entries: events },
  );
  const key = { entries: events[0]!.fields.filter(({ name }) => name.startsWith('data.api_key.')) };
  const parts = events.map(({ name, fields }) => {
    return `## \`${name}\`\n\n${tableOf(COLUMNS, { entries: fields.filter(isOwn) })}`;
  });
  return makePage({
    file: 'webhook-events.md',
    title: 'Webhook events',
    introduction: INTRODUCTION,
    parts: [overview, ...parts, `## The key in \`data.api_key\`\n\n${tableOf(COLUMNS, key)}`],
    entries: events.flatMap(({ name, meaning, fields }) => [
      { name, meaning },
      ...fields.map((field) => ({ ...field, name: `${name} ${field.name}` })),
    ]),
  });
}

/** Whether a field stands in the event's own table; the key's fields have a table of their own. */
function isOwn({ name }: Field): boolean {
  return name !== 'data' && !name.startsWith('data.api_key.');
}

function topOf(fields: readonly Field[]): string[] {
  return fields.flatMap(({ name }) => /^data\.(\w+)$/.exec(name)?.[1] ?? []);
}
