/** Returns a product file to begin with, which the service takes as it is. */
export function starterProduct(name: string): string {
  return `# yaml-language-server: $schema=./node_modules/latchkey-server/config/latchkey.schema.json
# What defines the product: its scopes, the permission sets its customers choose from, and its plans.
# Check it:  latchkey config lint latchkey.yaml
# Try it:    LATCHKEY_CONFIG=latchkey.yaml latchkey dev
product: ${JSON.stringify(name)}

api_keys:
  # A credential that begins so is an API key.
  prefixes: [sk_, wos_api_key_]
  # A form of your own, with a checksum that scanners can check offline:
  # format: { live: acme_live_, test: acme_test_, checksum: true }

# Each scope is a permission of the same slug at WorkOS.
scopes:
  - group: Items
    description: What your API is about.
    scopes:
      - { name: 'items:read', description: See items. }
      - { name: 'items:write', description: Create and change items. }
  - group: Administration
    description: For people; never for keys.
    scopes:
      - { name: 'apikeys:read', description: See API keys. }
      - { name: 'apikeys:write', description: 'Create, change and revoke API keys.' }
      - { name: 'audit:read', description: Read the audit log. }

# No API key ever holds these, whatever a permission set says.
never_granted: ['apikeys:read', 'apikeys:write', 'audit:read']

permission_sets:
  - name: full_access
    description: Everything a key may do.
    scopes: ['items:read', 'items:write']
  - name: read_only
    description: Look without touching.
    scopes: ['items:read']

plans:
  - { name: standard, key_limit: 10 }
default_plan: standard
`;
}

// The text of another module: this one imports nothing, and reads no variable.
const ENVIRONMENT = ['process', 'env'].join('.');
const importing = (name: string, from: string) => `import { ${name} } from '${from}';`;

/** Returns a module that calls Latchkey, and guards routes of Express. */
export function starterClient(isTypeScript: boolean): string {
  const scopes = isTypeScript ? '...scopes: string[]' : '...scopes';
  return `${importing('createLatchkeyClient', 'latchkey/client')}
${importing('requireApiKey', 'latchkey/express')}

const { LATCHKEY_URL: baseUrl, LATCHKEY_TOKEN: token } = ${ENVIRONMENT};
if (!baseUrl || !token) throw new Error('Set LATCHKEY_URL and LATCHKEY_TOKEN, such as with node --env-file=.env');

export const client = createLatchkeyClient({ baseUrl, token });

/** Lets requests pass whose key has the scopes: app.get('/items', withKey('items:read'), (req, res) => …) */
export const withKey = (${scopes}) => requireApiKey({ client, scopes });
`;
}
