import express from 'express';
import { createLatchkeyClient } from '../../src/client/client.ts';
import { createApiKeyGuard } from '../../src/client/express.ts';

/** A service whose keys are checked in its own memory, by `latchkey/express`. */
const client = createLatchkeyClient({
  baseUrl: process.env['LATCHKEY_URL']!,
  token: process.env['LATCHKEY_TOKEN']!,
});
const guard = createApiKeyGuard({ client });

const app = express();
app.get('/', guard.require(), (req, res) => {
  res.json(req.apiKey);
});
app.get('/kept', (_req, res) => {
  res.json(guard.size());
});
app.get('/healthz', (_req, res) => {
  res.json({ status: 'ok' });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
