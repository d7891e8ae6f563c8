import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';

/** Refuses every method but GET and HEAD, on a page. */
export const onlyGet: RequestHandler = (_req, res) => {
  res.setHeader('allow', 'GET, HEAD');
  throw new AppError('method_not_allowed', 'This path takes only GET, HEAD.');
};
