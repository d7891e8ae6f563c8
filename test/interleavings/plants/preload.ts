import { registerHooks } from 'node:module';
import { PLANTS } from './plants.ts';

const SOURCES = new URL('../../../src/', import.meta.url).href;
const name = process.env['PLANT'] ?? '';
const plant = PLANTS[name];
if (!plant) throw new Error(`there is no plant '${name}'`);

// The sources stay as they are: one of them is read with the fault in it.
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (url !== `${SOURCES}${plant.file}`) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString();
    for (const [text, instead] of plant.changes) {
      if (source.split(text).length !== 2) throw new Error(`'${name}': ${plant.file} does not have once: ${text}`);
      source = source.replace(text, () => instead);
    }
    return { ...loaded, source };
  },
});
