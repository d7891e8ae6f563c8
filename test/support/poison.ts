import type { Knex } from 'knex';
import type { DeadLetters } from '../../src/background/loop.ts';
import type { Background } from '../../src/background/background.ts';

/** Makes the database refuse writes of one organization to a table. @returns a function that allows them again */
export async function refuseFor(db: Knex, organizationId: string, table: string): Promise<() => Promise<void>> {
  const name = `refuse_${organizationId}_${table}`.toLowerCase();
  await db.raw(`
    create function ${name}() returns trigger language plpgsql as $body$
    begin
      raise exception 'no' using errcode = 'check_violation';
    end $body$;
    create trigger ${name} before insert on ${table} for each row
      when (new.organization_id = '${organizationId}') execute function ${name}();
  `);
  return async () => void (await db.raw(`drop trigger ${name} on ${table}`));
}

/** Returns the dead letters of a loop. */
export function deadLettersOf({ loops }: Pick<Background, 'loops'>, name: string): DeadLetters {
  const found = loops.find((loop) => loop.name === name);
  if (!found || !('items' in found)) throw new Error(`${name} has no items`);
  return found.items;
}
