import type { TenantRepository } from './tenant-repository.ts';

/** What other rooms may do with the rows of tenants. */
export type TenantStore = Pick<TenantRepository, 'find' | 'findAll' | 'lock' | 'make' | 'put'>;
