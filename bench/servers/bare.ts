import express from 'express';

/** The least that Express 5 does: a GET answered with JSON, without a log. */
const app = express();
app.get('/', (_req, res) => {
  res.json({ status: 'ok' });
});
app.get('/healthz', (_req, res) => {
  res.json({ status: 'ok' });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
