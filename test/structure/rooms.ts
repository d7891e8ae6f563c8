import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A file below src/: its path, and for a README the number of its lines. */
export type RoomFile = { path: string; lines?: number };

const ROOT = join(import.meta.dirname, '..', '..', 'src');
const MAX_FILES = 16;
const MAX_FILES_WITHOUT_README = 5;
const MAX_README_LINES = 40;
const README = 'README.md';

export function readRoomFiles(): RoomFile[] {
  return readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const lines = name === README ? { lines: readFileSync(path, 'utf8').trimEnd().split('\n').length } : {};
      return { path: path.slice(ROOT.length + 1).replaceAll('\\', '/'), ...lines };
    });
}

/** Every folder that is too large, and every README that is missing or too long, one line each. */
export function faultsOfRooms(files: readonly RoomFile[]): string[] {
  const sources = files.filter(({ path }) => !path.endsWith(README));
  const readmes = new Map(files.filter(({ path }) => path.endsWith(README)).map(({ path, lines }) => [path, lines]));
  const large = [...Map.groupBy(sources, ({ path }) => folderOf(path))]
    .filter(([, inside]) => inside.length > MAX_FILES)
    .map(([folder, inside]) => `${folder} has ${inside.length} files; sort them into folders of at most ${MAX_FILES}`);
  const rooms = Map.groupBy(
    sources.filter(({ path }) => path.includes('/')),
    ({ path }) => path.slice(0, path.indexOf('/')),
  );
  const silent = [...rooms]
    .filter(([room, inside]) => inside.length > MAX_FILES_WITHOUT_README && !readmes.has(`${room}/${README}`))
    .map(([room]) => `${room} needs a ${README}`);
  const long = [...readmes]
    .filter(([, lines = 0]) => lines > MAX_README_LINES)
    .map(([path, lines]) => `${path} has ${lines} lines; at most ${MAX_README_LINES}`);
  return [...large, ...silent, ...long].toSorted();
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
}
