import { AppError } from '../errors.ts';

/** With the address as it was seen, which is the client's own, or that of a proxy that is not trusted. */
export function ipNotAllowed(address: string | undefined): AppError {
  return new AppError('ip_not_allowed', 'This may not be used from your address.', {
    details: { address: address ?? null },
  });
}
