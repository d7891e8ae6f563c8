import { z } from 'zod';
import { isIpRange } from './ip-range.ts';

const MAX_RANGES = 100;
const MAX_LENGTH = 64;

/** Addresses and ranges as a client sends them; `normalizeRanges` gives the stored form. */
export const IpAllowList = z
  .array(
    z
      .string()
      .max(MAX_LENGTH)
      .refine(isIpRange, 'Give an IP address, or a range such as 192.0.2.0/24 or 2001:db8::/32.'),
  )
  .max(MAX_RANGES);
