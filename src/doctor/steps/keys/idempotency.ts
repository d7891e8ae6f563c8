import { COPES } from '../../finding.ts';
import { tryKey } from '../../keys.ts';
import { expectStatus, text } from '../../read.ts';
import type { World } from '../../world.ts';

/** Sends the same request twice with one Idempotency-Key. */
export async function idempotency(world: World): Promise<void> {
  const headers = { 'idempotency-key': `latchkey-doctor-${world.mark}` };
  const body = { name: `Latchkey doctor ${world.mark} twice` };
  const first = expectStatus(await tryKey(world, body, { headers }), 'a new key', 201);
  const again = await tryKey(world, body, { headers });
  const isSame = text(first.body, 'id') === text(again.body, 'id');
  const hasValue = text(again.body, 'value') === text(first.body, 'value');
  world.note(isSame ? `The same key; its value is ${hasValue ? '' : 'not '}returned again.` : 'Two keys.');
  if (isSame && hasValue) return;
  world.differs({
    name: 'idempotency-not-honoured',
    breaks: false,
    assumes: 'nothing: a repeated create may make two keys',
    seen: isSame ? 'one key, without its value' : 'two keys',
    todo: COPES,
  });
}
