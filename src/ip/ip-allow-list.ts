import { z } from 'zod';
import { isIpRange } from './ip-range.ts';

const MAX_RANGES = 100;
const MAX_LENGTH = 64;

/** Addresses and ranges as a client gives them; see `normalizeRanges`. */
export const IpAllowList = z
  .array(
    z
      .string()
      .max(MAX_LENGTH)
      .refine(isIpRange, 'This is no IP address, and no range of them such as 192.0.2.0/24 or 2001:db8::/32.'),
  )
  .max(MAX_RANGES);
