import { call } from '../support/api.ts';
import type { Service } from '../support/service.ts';

type Operation = {
  operationId: string;
  security: Record<string, unknown>[];
  parameters?: { in: string; name: string }[];
  requestBody?: object;
};

export type DocumentedRoute = {
  /** `GET /v1/api-keys/{id}` */
  name: string;
  method: string;
  path: string;
  access: 'tenant' | 'service' | 'public';
  takes: (parameter: string) => boolean;
  hasBody: boolean;
};

/** Every route that the running service documents: tests made of this list cannot forget one. */
export async function documentedRoutes(service: Service): Promise<DocumentedRoute[]> {
  const { body } = await call(service, 'GET', '/openapi.json');
  const paths = body['paths'] as Record<string, Record<string, Operation>>;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => toRoute(method.toUpperCase(), path, operation)),
  );
}

function toRoute(method: string, path: string, operation: Operation): DocumentedRoute {
  const schemes = operation.security.flatMap((requirement) => Object.keys(requirement));
  return {
    name: `${method} ${path}`,
    method,
    path,
    access: schemes.includes('serviceToken') ? 'service' : schemes.length > 0 ? 'tenant' : 'public',
    takes: (parameter) => (operation.parameters ?? []).some(({ name }) => name === parameter),
    hasBody: operation.requestBody !== undefined,
  };
}
