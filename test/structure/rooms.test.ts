import { describe, expect, it } from 'vitest';
import { faultsOfRooms, readRoomFiles } from './rooms.ts';

const filesOf = (folder: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ path: `${folder}/file-${i}.ts` }));
const readme = (room: string, lines = 20) => ({ path: `${room}/README.md`, lines });

describe('the rooms of src/', () => {
  it('have at most 16 files a folder, and a README of at most 40 lines where they have more than five files', () => {
    const files = readRoomFiles();
    expect(files.length).toBeGreaterThan(100);
    expect(faultsOfRooms(files)).toEqual([]);
  });
});

describe('faultsOfRooms', () => {
  it('accepts a folder of 16 files beside its README, and a small room without one', () => {
    expect(faultsOfRooms([...filesOf('keys', 16), readme('keys', 40), ...filesOf('ip', 5)])).toEqual([]);
  });

  it('finds a folder of 17 files, at any depth', () => {
    expect(faultsOfRooms([...filesOf('keys/rows', 17), readme('keys')])).toEqual([
      'keys/rows has 17 files; sort them into folders of at most 16',
    ]);
  });

  it('finds a room of six files without a README, those of its sub-folders included', () => {
    expect(faultsOfRooms([...filesOf('keys', 3), ...filesOf('keys/rows', 3), readme('keys/rows')])).toEqual([
      'keys needs a README.md',
    ]);
  });

  it('finds a README of 41 lines', () => {
    expect(faultsOfRooms([...filesOf('keys', 1), readme('keys', 41)])).toEqual([
      'keys/README.md has 41 lines; at most 40',
    ]);
  });
});
