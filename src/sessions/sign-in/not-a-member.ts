import { AppError } from '../../errors.ts';

export function notAMember(): AppError {
  return new AppError('organization_not_found', 'You are not a member of such an organization.');
}
