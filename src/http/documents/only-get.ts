import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';

/** Refuses every method but those that read, on a page that knows no other. */
export const onlyGet: RequestHandler = (_req, res) => {
  res.setHeader('allow', 'GET, HEAD');
  throw new AppError('method_not_allowed', 'This path takes GET, HEAD.');
};
