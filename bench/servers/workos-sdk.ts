import { WorkOS } from '@workos-inc/node';
import express from 'express';
import { ENVIRONMENT } from '../tenants.ts';

/** The alternative to Latchkey: a route that asks WorkOS about the key of every request, through its SDK. */
const workosUrl = new URL(process.env['WORKOS_API_URL']!);
const workos = new WorkOS({
  ...ENVIRONMENT,
  apiHostname: workosUrl.hostname,
  port: Number(workosUrl.port),
  https: false,
});

const app = express();
app.get('/', async (req, res) => {
  const { apiKey } = await workos.apiKeys.createValidation({ value: req.get('x-api-key') ?? '' });
  res.status(apiKey ? 200 : 401).json(apiKey);
});
app.get('/healthz', (_req, res) => {
  res.json({ status: 'ok' });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
