import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { StartError } from '../../errors.ts';
import { ORGANIZATION_ID } from '../../ids.ts';
import { readCsv } from './csv.ts';

/** An event in WorkOS Audit Logs, with the link that was the end of its organization's chain at that time. */
export type Copy = { organizationId: string | undefined; id: string; sequence: number; hash: Buffer };

type Fields = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 5;
const FIRST_BYTES = 64;
const NAMES = ['event_id', 'sequence', 'link', 'organization_id'] as const;

const Metadata = z.object({
  event_id: z.string().max(64),
  sequence: z.coerce.number().int().min(1),
  link: z.base64().length(44),
  organization_id: z.string().regex(ORGANIZATION_ID).optional().catch(undefined),
});

/**
 * Reads an export of WorkOS Audit Logs: CSV from the dashboard or the API, or JSON from a log stream, as an array or one
 * object a line. WorkOS does not document its columns, so each cell, and each column whose name ends in a field's name, is
 * searched for the metadata that Latchkey sent. Events of other applications have none and are skipped.
 */
export async function* readExport(path: string): AsyncGenerator<Copy> {
  for await (const fields of await recordsOf(path)) {
    const copy = findCopy(fields, MAX_DEPTH);
    if (copy) yield { ...copy, organizationId: copy.organizationId ?? organizationOf(fields) };
  }
}

async function recordsOf(path: string): Promise<AsyncIterable<Fields> | Iterable<Fields>> {
  const first = await firstOf(path);
  if (first === '[') return arrayOf(JSON.parse(await readFile(path, 'utf8')), path);
  return first === '{' ? jsonLines(path) : csvRows(path);
}

async function firstOf(path: string): Promise<string | undefined> {
  for await (const chunk of createReadStream(path, { encoding: 'utf8', end: FIRST_BYTES }))
    return String(chunk).replace('\uFEFF', '').trimStart()[0];
  return undefined;
}

function arrayOf(value: unknown, path: string): Fields[] {
  if (Array.isArray(value)) return value.filter(isObject);
  throw new StartError(`${path} is not a list of events. Give an export of WorkOS Audit Logs, as CSV or JSON.`);
}

async function* jsonLines(path: string): AsyncGenerator<Fields> {
  for await (const line of createInterface({ input: createReadStream(path, 'utf8') })) {
    const value: unknown = line.trim() === '' ? undefined : JSON.parse(line);
    if (isObject(value)) yield value;
  }
}

async function* csvRows(path: string): AsyncGenerator<Fields> {
  let names: string[] | undefined;
  for await (const row of readCsv(createReadStream(path, 'utf8') as AsyncIterable<string>)) {
    if (!names) names = row.map((name) => name.replace('\uFEFF', '').trim().toLowerCase());
    else yield Object.fromEntries(names.map((name, i) => [name, readCell(row[i] ?? '')]));
  }
}

function readCell(cell: string): unknown {
  if (!cell.startsWith('{')) return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

/** The innermost object, or the row of flat columns, that is our metadata. */
function findCopy(fields: Fields, depth: number): Copy | undefined {
  for (const value of depth > 0 ? Object.values(fields) : []) {
    const found = isObject(value) ? findCopy(value, depth - 1) : undefined;
    if (found) return found;
  }
  const parsed = Metadata.safeParse(Object.fromEntries(NAMES.map((name) => [name, flat(fields, name)])));
  if (!parsed.success) return undefined;
  const { event_id: id, sequence, link, organization_id: organizationId } = parsed.data;
  return { organizationId, id, sequence, hash: Buffer.from(link, 'base64') };
}

/** `metadata.sequence`, `metadata_sequence` and `Metadata: sequence` name one field. */
function flat(fields: Fields, name: string): unknown {
  const ends = Object.keys(fields).find(
    (key) => key === name || key.replaceAll(/[^a-z]+/g, '_').endsWith(`metadata_${name}`),
  );
  return ends === undefined ? undefined : fields[ends];
}

function organizationOf(fields: Fields): string | undefined {
  const { organization_id: id } = fields;
  return typeof id === 'string' && ORGANIZATION_ID.test(id) ? id : undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
