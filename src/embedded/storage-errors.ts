/** WASI error numbers: PGlite's file system fails with the number alone. */
const WASI_REASONS: Record<number, string> = {
  2: 'this user may not read or write it',
  19: 'the disk quota is used up',
  51: 'the disk is full',
  63: 'this user may not read or write it',
  69: 'its file system is read-only',
};
const POSTGRES_DISK_FULL = '53100';

/** Describes why the embedded database failed. */
export function reasonOf(error: unknown): string {
  const { errno, code, message } = Object(error) as { errno?: unknown; code?: unknown; message?: unknown };
  if (code === POSTGRES_DISK_FULL) return 'the disk is full';
  if (typeof message === 'string' && message !== '') return message;
  return WASI_REASONS[Number(errno)] ?? `error ${String(errno)}`;
}
