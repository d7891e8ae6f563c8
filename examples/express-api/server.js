import express from 'express';
import { createLatchkeyClient } from 'latchkey/client';
import { requireApiKey } from 'latchkey/express';

// A product's own API that accepts its customers' keys. Requests are decided from this process's cache; Latchkey
// announces revocations and changes of billing.
const { LATCHKEY_URL = 'http://127.0.0.1:3000', LATCHKEY_TOKEN = 'svc_latchkey_demo', PORT = '8080' } = process.env;
const client = createLatchkeyClient({ baseUrl: LATCHKEY_URL, token: LATCHKEY_TOKEN });
const key = (...scopes) => requireApiKey({ client, scopes });

const tasks = new Map();
const app = express();

// A key belongs to one organization, and sees only that organization's tasks.
const tasksOf = ({ apiKey }) => {
  if (!tasks.has(apiKey.organizationId)) tasks.set(apiKey.organizationId, new Map());
  return tasks.get(apiKey.organizationId);
};

// GET reads: it works in every billing posture.
app.get('/tasks', key('workspace:read'), (req, res) => {
  res.json({ data: [...tasksOf(req).values()] });
});

// POST creates: with a payment overdue or a trial over it is 423 billing_inactive.
app.post('/tasks', key('tasks:write'), express.json(), (req, res) => {
  const task = { id: crypto.randomUUID(), title: String(req.body?.title ?? ''), made_by: req.apiKey.label };
  tasksOf(req).set(task.id, task);
  res.status(201).json(task);
});

// DELETE winds down: what exists can be ended in every posture.
app.delete('/tasks/:id', key('tasks:write'), (req, res) => {
  res.status(tasksOf(req).delete(req.params.id) ? 200 : 404).json({ status: 'deleted' });
});

// A POST that adds nothing says so itself.
const search = requireApiKey({ client, scopes: ['workspace:read'], operation: 'read' });
app.post('/tasks/search', search, express.json(), (req, res) => {
  const wanted = String(req.body?.title ?? '');
  res.json({ data: [...tasksOf(req).values()].filter(({ title }) => title.includes(wanted)) });
});

// Whose request this is, as the middleware knows it.
app.get('/whoami', key(), (req, res) => {
  res.json(req.apiKey);
});

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  const url = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(`The example listens on ${url}, with Latchkey on ${LATCHKEY_URL}\n`);
});
