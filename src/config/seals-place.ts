import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A path, or the same as a file:// address; what else has a scheme would be taken for a folder of that name. */
export const sealsPlace = z
  .string()
  .refine((value) => !/^(?!file:)[a-z][a-z0-9+.-]*:/i.test(value), {
    abort: true,
    error: 'needs the path of a file: seals go to no other place (mount an object store as a folder)',
  })
  .transform((value) => (value.startsWith('file:') ? fileURLToPath(value) : value))
  .refine(isAbsolute, 'needs the whole path of a file, from /');
