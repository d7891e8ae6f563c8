import express from 'express';
import { pino } from 'pino';
import { pinoHttp } from 'pino-http';

/** Express 5 alone: JSON in, the same JSON out, one log line. */
const app = express();
app.use(pinoHttp({ logger: pino() }));
app.use(express.json());
app.post('/', (req, res) => {
  res.json(req.body);
});
app.get('/healthz', (_req, res) => {
  res.json({ status: 'ok' });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
