import { defineConfig } from 'vitest/config';

/** A thousand organizations, for a machine that does nothing else; `npm run test:server` has a hundred. */
export default defineConfig({
  test: {
    include: ['test/server/postures.test.ts'],
    globalSetup: ['./test/support/global-setup.ts'],
    env: { POSTURE_TENANTS: '1000' },
    hookTimeout: 30_000,
  },
});
