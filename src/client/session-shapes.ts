// Sessions of people as JSON.
import type { Operation } from './key-shapes.ts';

/** The identity of a credential. */
export type Session = {
  organization_id: string;
  permissions: string[];
  /** The address that the request came from. */
  ip: string | null;
} & (
  | {
      kind: 'user';
      user_id: string;
      email: string;
      /** The login name, where the product has them. */
      login?: string;
      name: string | null;
      role: string | null;
      /** The person who acts as this user through WorkOS. */
      impersonator?: { id: string };
      memberships: {
        organization_id: string;
        /** Null when WorkOS leaves it out. */
        organization_name: string | null;
        role: string | null;
        billing: { status: string | null; posture: string };
      }[];
    }
  | {
      kind: 'api_key';
      /** The owner of a personal key; a fixed id for other keys. */
      user_id: string;
      api_key_id: string;
      api_key_label: string;
      api_key_permission_set: string | null;
    }
  | { kind: 'machine'; client_id: string }
);

export type Login =
  /** `email` is a login name, too, where the product has them. */
  | { email: string; password: string; organization_id?: string | undefined }
  /** With the token in the details of `organization_choice_required`. */
  | { pending_authentication_token: string; organization_id: string };
export type RefreshSession = { refresh_token: string; organization_id?: string | undefined };
export type NewSession = {
  access_token: string;
  /** Absent where the product's sessions have opaque tokens, which need no renewal. */
  refresh_token?: string;
  expires_at: string;
  user: { id: string; email: string };
  organization_id: string;
};
/** The credential must have all of the scopes. */
export type CheckCredential = { scopes?: readonly string[] | undefined };
export type CheckedCredential = { valid: true; organization_id: string };

/** A request by a person's session, as forward authentication decides on it. */
export type CheckSession = {
  token: string;
  /** The session must have all of these; none by default. */
  scopes?: readonly string[] | undefined;
  operation: Operation;
  /** The session must be of this organization. */
  organization_id?: string | undefined;
  /** The address of the person; Latchkey believes it of a trusted proxy alone (`TRUST_PROXY`). */
  ip?: string | undefined;
};
export type AdmittedPerson = { organization_id: string; user_id: string; scopes: string[] };
