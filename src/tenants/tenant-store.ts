import type { TenantRepository } from './tenant-repository.ts';

/** The operations on tenants that other rooms may use. */
export type TenantStore = Pick<TenantRepository, 'find' | 'findAll' | 'lock' | 'lockAnd' | 'make' | 'put'>;
