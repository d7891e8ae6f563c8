import { MAX_CANDIDATES } from '../../api-keys/rows/imported-keys.ts';
import { memberName } from '../../members/find-members.ts';
import type { FindMembers } from '../../members/find-members.ts';
import type { ImportedKey } from '../../api-keys/rows/imported-keys.ts';
import type { Category, Judged } from '../category.ts';
import type { UnmetOf } from './unmet-requirements.ts';

/** Owners of personal keys. */
type Owners = Parameters<FindMembers>[0];

/** What is there already of the keys of a batch. */
export type KnownKeys = {
  /** Organizations that are here and not deleted. */
  organizations: ReadonlySet<string>;
  /** Imported keys by id: their organization, and whether they are active. */
  keys: ReadonlyMap<string, { organizationId: string; active: boolean }>;
  /** The ids of keys by these hashes, in hexadecimal digits. */
  hashes: ReadonlyMap<string, string>;
  /** Owners of personal keys who are members, by `memberName`, with WorkOS's time of that. */
  members: Awaited<ReturnType<FindMembers>>;
  /** The ids of the import's keys that have a locator, by that. */
  located: ReadonlyMap<string, readonly string[]>;
};
export type ReadKnown = (asked: {
  organizationIds: readonly string[];
  keyIds: readonly string[];
  hashes: readonly Buffer[];
  members: Owners;
  locators: readonly string[];
}) => Promise<KnownKeys>;

export type JudgeBatch = ReturnType<typeof makeJudgeBatch>;

const CROWDED: [Category, string] = ['unsupported', `${MAX_CANDIDATES} other keys have its locator`];
const ID_BYTES = 12;
const MAX_ROWS = 5_000_000;

/** Judges the rows of one source with each other, with what is in the database, and with what their scopes need. */
export function makeJudgeBatch(readKnown: ReadKnown, unmetOf?: UnmetOf) {
  const ids = new Set<string>();
  const hashes = new Set<string>();
  const located = new Map<string, string[]>();

  /** @returns the category of a row that repeats an earlier one */
  function repeated({ keyId, key }: Judged): [Category, string] | undefined {
    if (keyId === undefined) return undefined;
    if (ids.has(keyId)) return ['duplicate', 'an earlier row has the same id'];
    ids.add(keyId);
    if (!key) return undefined;
    const name = key.hash.toString('latin1').slice(0, ID_BYTES);
    if (hashes.has(name)) return ['collision', 'an earlier row has the same hash'];
    hashes.add(name);
    if (!key.salted) return undefined;
    const same = located.get(key.salted.locator) ?? [];
    if (same.length >= MAX_CANDIDATES) return CROWDED;
    located.set(key.salted.locator, [...same, keyId]);
    return undefined;
  }

  /** Refuses a row whose locator keys of an earlier source have, too. */
  function crowded(row: Judged, known: KnownKeys): Judged {
    const locator = row.key?.salted?.locator;
    if (locator === undefined) return row;
    const here = located.get(locator) ?? [];
    const others = (known.located.get(locator) ?? []).filter((id) => !here.includes(id));
    return here.indexOf(row.keyId!) + others.length < MAX_CANDIDATES ? row : refused(row, CROWDED);
  }

  return {
    /** Judges rows with those before them, whose ids and hashes it remembers; in the order of the source. */
    withEarlier(rows: readonly Judged[]): Judged[] {
      if (ids.size > MAX_ROWS) throw new Error(`an import takes at most ${MAX_ROWS} rows; split the file`);
      return rows.map((row) => refused(row, repeated(row)));
    },

    /** Judges rows with what is in the database, and then with what their organizations have. */
    async withKnown(apart: readonly Judged[]): Promise<Judged[]> {
      const keys = apart.flatMap(({ key }) => key ?? []);
      const known = await readKnown({
        organizationIds: [...new Set(keys.map(({ organizationId }) => organizationId))],
        keyIds: apart.flatMap(({ keyId }) => keyId ?? []),
        hashes: keys.map(({ hash }) => hash),
        members: keys.flatMap(ownerIn),
        locators: keys.flatMap(({ salted }) => salted?.locator ?? []),
      });
      const judged = apart.map((row) => crowded(judgeKnown(row, known), known));
      return unmetOf ? Promise.all(judged.map((row) => judgeNeeds(row, unmetOf))) : judged;
    },
  };
}

async function judgeNeeds(row: Judged, unmetOf: UnmetOf): Promise<Judged> {
  const reason = row.key && (await unmetOf(row.key));
  return reason === undefined ? row : refused(row, ['unmet_requirement', reason]);
}

function refused(row: Judged, [category, reason]: [Category, string] | [] = []): Judged {
  return category === undefined ? row : { ...row, category, reason, key: undefined };
}

function ownerIn({ organizationId, ownerUserId: userId }: ImportedKey): Owners {
  return userId === undefined ? [] : [{ organizationId, userId }];
}

function judgeKnown(row: Judged, { organizations, keys, hashes, members }: KnownKeys): Judged {
  const there = row.keyId === undefined || row.category === 'duplicate' ? undefined : keys.get(row.keyId);
  if (there && row.category === 'disabled' && there.active) return { ...row, category: 'ended' };
  if (!row.key) return row;
  if (there?.organizationId === row.key.organizationId) return refused(row, ['already', 'it was imported before']);
  if (there) return refused(row, ['collision', `it was imported for ${there.organizationId}`]);
  if (!organizations.has(row.key.organizationId))
    return refused(row, ['unknown_organization', `${row.key.organizationId} is not known here`]);
  const [owner] = ownerIn(row.key);
  if (owner && !members.has(memberName(owner)))
    return refused(row, ['unknown_user', `${owner.userId} is no member of ${owner.organizationId}`]);
  const other = hashes.get(row.key.hash.toString('hex'));
  const memberAsOf = owner && members.get(memberName(owner));
  if (other === undefined) return { ...row, key: { ...row.key, memberAsOf } };
  return refused(row, ['collision', `${other} has the same hash`]);
}
