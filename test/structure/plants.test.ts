import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PLANTS } from '../interleavings/plants/plants.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');

// The interleavings replace these texts of the sources by a fault; one that is not there would plant nothing.
describe('the planted fault', () => {
  test.each(Object.entries(PLANTS))('%s replaces texts that its file has once', (_name, { file, changes }) => {
    const source = readFileSync(join(SOURCES, file), 'utf8');
    expect(changes.filter(([text]) => source.split(text).length !== 2)).toEqual([]);
  });
});
