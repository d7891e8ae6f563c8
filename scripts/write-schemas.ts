import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectEmbedded } from '../src/db/connect-embedded.ts';
import { migrate } from '../src/db/migrations.ts';
import { describeSchema } from './describe-schema.ts';
import { productJsonSchema } from './product-schema.ts';

// `npm run schema`: writes the schema that the migrations lead to, and the JSON Schema of the product file. Tests compare
// both.
const root = join(import.meta.dirname, '..');
const { db, close } = await connectEmbedded({ dataDir: 'memory://' });
try {
  await migrate(db);
  writeFileSync(join(root, 'migrations', 'schema.sql'), await describeSchema(db));
} finally {
  await close();
}
const productSchema = join(root, 'config', 'latchkey.schema.json');
writeFileSync(productSchema, productJsonSchema());
execFileSync('oxfmt', [productSchema], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
