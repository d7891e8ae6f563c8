import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** An absolute path, or a file:// address. Other schemes are refused, since they would name a folder. */
export const sealsPlace = z
  .string()
  .refine((value) => !/^(?!file:)[a-z][a-z0-9+.-]*:/i.test(value), {
    abort: true,
    error: 'needs the path of a file; mount an object store as a folder',
  })
  .transform((value) => (value.startsWith('file:') ? fileURLToPath(value) : value))
  .refine(isAbsolute, 'needs the absolute path of a file');
