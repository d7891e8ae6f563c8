import type { ProductRoute } from '../product-api.ts';

/** The page's table: each permission, what it allows, and a route of the product that needs it. */
export const PERMISSIONS: readonly { scope: string; allows: string; route: ProductRoute }[] = [
  { scope: 'memory.read', allows: 'finding and reading memories', route: 'GET /memories' },
  { scope: 'memory.write', allows: 'adding and changing memories', route: 'POST /memories' },
  { scope: 'memory.delete', allows: 'forgetting memories', route: 'DELETE /memories' },
  { scope: 'knowledge.read', allows: 'reading knowledge', route: 'GET /knowledge' },
  { scope: 'knowledge.write', allows: 'adding and changing knowledge', route: 'POST /knowledge' },
  { scope: 'knowledge.delete', allows: 'removing knowledge', route: 'DELETE /knowledge' },
  { scope: 'export.read', allows: 'seeing and fetching exports', route: 'GET /exports' },
  { scope: 'export.write', allows: 'asking for exports', route: 'POST /exports' },
  { scope: 'ingest.read', allows: 'seeing how ingestions go', route: 'GET /ingestions' },
  { scope: 'ingest.write', allows: 'handing in files and addresses', route: 'POST /ingestions' },
  { scope: 'webhook.read', allows: 'seeing webhooks and deliveries', route: 'GET /webhooks' },
  { scope: 'webhook.write', allows: 'adding and changing webhooks', route: 'POST /webhooks' },
  { scope: 'webhook.delete', allows: 'removing webhooks', route: 'DELETE /webhooks' },
  { scope: 'dashboard.read', allows: 'seeing numbers and alerts', route: 'GET /dashboard' },
];
