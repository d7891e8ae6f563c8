import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Knex } from 'knex';
import { toEvent } from '../../src/audit/audit-row.ts';
import { describeBreak } from '../../src/audit/break.ts';
import { readCsv } from '../../src/audit/exports/csv.ts';
import { sdk } from '../emulator/harness.ts';
import { deliver, registerAuditSchemas, startWebhookService } from '../webhooks/webhook-service.ts';
import { createKey } from '../support/api.ts';
import { makeTestAudit, someSecret } from '../support/audit.ts';

const secret = someSecret();
const service = await startWebhookService({ auditForwarding: true, env: { LATCHKEY_SECRET: secret } });
await registerAuditSchemas(service);
const { db, workos } = service;
const audit = makeTestAudit(service.clock, { secret, previousSecrets: [] });
const folder = await mkdtemp(join(tmpdir(), 'latchkey-export-'));
afterAll(() => rm(folder, { recursive: true }));
// The owner of the database can switch off what keeps everybody from changing events; nothing here is sealed.
await db.raw('alter table audit_events disable trigger user');

let files = 0;

async function fileOf(text: string): Promise<string> {
  const path = join(folder, `export-${++files}`);
  await writeFile(path, text);
  return path;
}

/** An organization with six events that WorkOS has, and the file that WorkOS makes of them. */
async function exported() {
  const acme = await service.organizations.add();
  const token = await acme.session();
  for (let i = 0; i < 6; i++) await createKey(service, token, { label: `a "key", ${i}`, description: 'of a test' });
  await deliver(service, 'workos');
  const { auditLogs } = sdk(workos);
  const range = { rangeStart: new Date(0), rangeEnd: new Date(service.clock().getTime() + 60_000) };
  const { id, state } = await auditLogs.createExport({ organizationId: acme.id, ...range });
  expect(state).toBe('pending');
  const { url } = await auditLogs.getExport(id);
  const csv = await (await fetch(url!)).text();
  return { id: acme.id, token, csv, file: await fileOf(csv) };
}

async function verify(organizationId: string | undefined, ...exportPaths: string[]) {
  const { breaks, exported: count } = await audit.verify(db, organizationId, { exportPaths });
  return { count, found: breaks.map(({ kind, sequence, until }) => [kind, sequence, until]) };
}

const eventsOf = (organizationId: string) => db('audit_events').where({ organization_id: organizationId });
const headOf = (organizationId: string) => db('audit_chain_heads').where({ organization_id: organizationId });

async function cutAfter(organizationId: string, sequence: number): Promise<void> {
  await eventsOf(organizationId).where('sequence', '>', sequence).del();
  const last = await eventsOf(organizationId).where({ sequence }).first();
  await headOf(organizationId).update({ sequence, hash: last.hash, sealed_sequence: 0 });
}

/** With the secret: gives every event from this one on a link that holds, and moves the head. */
async function rewriteFrom(trx: Knex, organizationId: string, from: number): Promise<void> {
  const events = () => trx('audit_events').where({ organization_id: organizationId });
  await events().where({ sequence: from }).update({ actor_id: 'user_framed' });
  let previous: Buffer = (
    await events()
      .where({ sequence: from - 1 })
      .first()
  ).hash;
  for (const row of await events().where('sequence', '>=', from).orderBy('sequence')) {
    previous = audit.chain.link(previous, toEvent(row)).hash;
    await events().where({ sequence: row.sequence }).update({ hash: previous });
  }
  await trx('audit_chain_heads').where({ organization_id: organizationId }).update({ hash: previous });
}

// Plays the commands of docs/how-to/verify-the-audit-log.md.
describe('an export of WorkOS Audit Logs', () => {
  test('confirms an untouched log, also one that has grown since', async () => {
    const { id, file, token } = await exported();
    expect(await verify(id, file)).toEqual({ count: 6, found: [] });
    await createKey(service, token);
    const second = await exported();
    expect(await verify(undefined, file, second.file)).toEqual({ count: 12, found: [] });
  });

  test('shows a tail that was cut, which nothing else shows', async () => {
    const { id, file } = await exported();
    await cutAfter(id, 3);
    expect((await verify(id)).found).toEqual([]);
    expect(await verify(id, file)).toEqual({ count: 6, found: [['export_missing', 4, 6]] });
  });

  test('shows a history that was rewritten with the secret, and from which event on', async () => {
    const { id, file } = await exported();
    await rewriteFrom(db, id, 4);
    expect((await verify(id)).found).toEqual([]);
    expect((await verify(id, file)).found).toEqual([['export_differs', 4, 6]]);
  });

  test('shows an organization that was removed, also when all are looked at', async () => {
    const { id, file } = await exported();
    await eventsOf(id).del();
    await headOf(id).del();
    for (const only of [id, undefined])
      expect((await verify(only, file)).found).toContainEqual(['export_removed', 1, 6]);
    const { breaks } = await audit.verify(db, id, { exportPaths: [file] });
    expect(breaks.map(describeBreak)).toEqual([
      `${id}  events 1 to 6  missing with the whole organization: WorkOS Audit Logs have them  by the owner of the database`,
    ]);
  });

  test('shows each event that differs, wherever it is', async () => {
    const { id, csv } = await exported();
    const links = await eventsOf(id).orderBy('sequence').pluck('hash');
    const forged = [1, 4].reduce(
      (text, i) => text.replace(links[i].toString('base64'), Buffer.alloc(32, i).toString('base64')),
      csv,
    );
    const found = [
      ['export_differs', 2, 2],
      ['export_differs', 5, 5],
    ];
    expect((await verify(id, await fileOf(forged))).found).toEqual(found);
  });
});

/** In pieces of one character, as a stream may cut it. */
async function* chunksOf(text: string): AsyncGenerator<string> {
  yield* text;
}

const rowsOf = (id: string) =>
  workos.auditEvents().flatMap((row) => (row.organization_id === id ? [row.event as { metadata: object }] : []));

describe('what is read as an export', () => {
  test.each<[string, (rows: { metadata: object }[]) => string]>([
    ['JSON in an array', (rows) => JSON.stringify(rows)],
    ['JSON, an object a line', (rows) => rows.map((row) => JSON.stringify({ id: 'x', event: row })).join('\n')],
    [
      'CSV with a column for each entry of the metadata',
      (rows) =>
        ['Action,Metadata: event id,metadata.organization_id,metadata_sequence,Metadata link']
          .concat(
            rows.map(({ metadata }) => {
              const { event_id, organization_id, sequence, link } = metadata as Record<string, string>;
              return `api_key.created,${event_id},${organization_id},${sequence},${link}`;
            }),
          )
          .join('\n'),
    ],
  ])('is %s', async (_what, write) => {
    const { id } = await exported();
    const rows = rowsOf(id);
    const foreign = { ...rows[0]!, metadata: { event_id: 'another product' } };
    const file = await fileOf(write([foreign, ...rows]));
    expect(await verify(undefined, file)).toEqual({ count: 6, found: expect.any(Array) });
    await cutAfter(id, 5);
    expect((await verify(id, file)).found).toEqual([['export_missing', 6, 6]]);
  });

  test('is CSV with quotes, commas and line ends in its cells', async () => {
    const text = ['\uFEFFa,"b ""c"", d"', '"1\r\n2",', '', ',"""" '].join('\r\n');
    const rows: string[][] = [];
    for await (const row of readCsv(chunksOf(text))) rows.push(row);
    expect(rows).toEqual([
      ['\uFEFFa', 'b "c", d'],
      ['1\r\n2', ''],
      ['', '" '],
    ]);
  });

  test('is nothing without a link, and no other file: it is not called sound', async () => {
    for (const text of ['', 'a,b\r\n1,2\r\n', '[]', '{"action":"x"}'])
      await expect(verify(undefined, await fileOf(text))).rejects.toThrow('has no event of Latchkey with a link');
  });

  test('is of the organization that is said, where the events of an older release do not say it', async () => {
    const { id, csv } = await exported();
    const file = await fileOf(csv.replaceAll(`""organization_id"":""${id}"",`, ''));
    await expect(verify(undefined, file)).rejects.toThrow('Add --organization ID');
    expect(await verify(id, file)).toEqual({ count: 6, found: [] });
  });
});
