import { COPES } from '../../finding.ts';
import { makeKey, validate } from '../../keys.ts';
import { text } from '../../read.ts';
import type { World } from '../../world.ts';

const USUAL = /^sk_[A-Za-z0-9]+$/;

/** Checks the form of a key, and whether Latchkey and WorkOS recognise it. */
export async function keyValue(world: World): Promise<void> {
  const { id, value, raw } = await makeKey(world);
  const prefix = /^[A-Za-z]+(?:_[A-Za-z]+)*_/.exec(value)?.[0] ?? 'none';
  const rest = value.slice(prefix === 'none' ? 0 : prefix.length);
  const alphabet = /^[A-Za-z0-9]+$/.test(rest) ? 'letters and digits' : 'more than letters and digits';
  world.note(`Values begin with ${prefix}, then ${rest.length} characters: ${alphabet}.`);
  world.note(`Shown as ${(text(raw, 'obfuscated_value') ?? 'nothing').replace(value.slice(-4), 'XXXX')}.`);
  const isRecognised = world.judge.recognises(value);
  if (!USUAL.test(value) || !isRecognised)
    world.differs({
      name: 'key-prefix',
      breaks: !isRecognised,
      assumes: 'that a key is sk_ followed by letters and digits',
      seen: `${prefix} and ${alphabet}`,
      todo: isRecognised ? COPES : `Add ${prefix} to api_keys.prefixes in the product file.`,
    });
  if ((await validate(world, value)) === id) return;
  world.differs({
    name: 'key-not-validated',
    breaks: true,
    assumes: 'that WorkOS validates a new key at once',
    seen: 'no key, or another one',
    todo: 'Report this: new keys of the dashboard are refused at first.',
  });
}
