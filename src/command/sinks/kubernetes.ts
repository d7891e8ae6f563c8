import type { Context } from '../context.ts';
import type { Sink } from './sink.ts';

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** A Secret of Kubernetes with one entry, `api-key`, in the namespace that kubectl is set to. */
export function kubernetesSink({ runProgram }: Context, name: string): Sink {
  return {
    name: `the Secret ${name}`,
    check: async () => {
      if (!NAME.test(name)) throw new Error('--k8s needs a name of lower-case letters, digits, - and dots.');
      const { code, stderr } = await runProgram('kubectl', ['auth', 'can-i', 'create', 'secrets', '--quiet']);
      if (code !== 0) throw new Error(`kubectl may not create secrets. ${stderr}`.trim());
    },
    put: async (secret) => {
      const manifest = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name },
        type: 'Opaque',
        stringData: { 'api-key': secret },
      };
      const { code, stderr } = await runProgram('kubectl', ['apply', '-f', '-'], { input: JSON.stringify(manifest) });
      if (code !== 0) throw new Error(`kubectl apply failed: ${stderr.trim()}`);
    },
  };
}
