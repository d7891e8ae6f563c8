/** A product file with an API of its own, which tests break line by line. */
export const FILE = `product: Ember
api_keys: { prefixes: [sk_], owners: [organization] }
scopes:
  - group: All
    scopes:
      - { name: 'a:read', description: Reads. }
never_granted: []
permission_sets:
  - { name: reader, description: Reads., scopes: ['a:read'] }
plans:
  - { name: standard, key_limit: 10 }
default_plan: standard
sessions: { password_sign_in: true }
api:
  base_path: /api/v1
  error:
    body: { error: $code, message: $message }
  errors:
    permission_denied: { status: 400, code: no.permission }
    credential_invalid:
      api_key: { status: 400, code: key.incorrect }
      other: { status: 400, code: token.incorrect }
  operations:
    login:
      path: /auth/login
      request: { loginOrEmail: email, secret: password }
      response: { token: access_token }
    getSession:
      path: /me
      callers: [user, api_key]
      response: { id: user_id, email: email }
      defaults: { api_key: { email: a@b.test } }
    createApiKey:
      path: /keys
      request: { title: label }
      request_values: { permission_set: reader }
      response: { keyId: id, keyValue: value }
    getApiKey:
      path: /keys/{keyId}
      params: { keyId: id }
    listApiKeys: { path: /keys }
    verifyApiKey: { path: /verify, request: { token: key }, response: { ok: valid } }
`;

/** Returns the file with one text replaced, and the number of the line where it was. */
export function broken(text: string, by: string): { yaml: string; line: number } {
  const parts = FILE.split(text);
  if (parts.length !== 2) throw new Error(`the file has '${text}' ${parts.length - 1} times`);
  return { yaml: parts.join(by), line: parts[0]!.split('\n').length };
}
