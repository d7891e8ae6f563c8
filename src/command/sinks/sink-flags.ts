import { switchFlag, textFlag } from '../flags.ts';

export type SinkFlags = {
  out?: string;
  dotenv?: string;
  githubOutput?: string;
  githubEnv?: string;
  ghSecret?: string;
  k8s?: string;
  exec?: boolean;
};

export const sinkFlags = {
  out: textFlag('Write the secret to a new file that only you can read', 'file'),
  dotenv: textFlag('Set a variable of a .env file to the secret', 'file:name'),
  githubOutput: textFlag('Set an output of the GitHub Actions step to the secret, masked', 'name'),
  githubEnv: textFlag('Set a variable of the GitHub Actions job to the secret, masked', 'name'),
  ghSecret: textFlag("Set a secret of the repository, by GitHub's command gh", 'name'),
  k8s: textFlag('Apply a Secret of Kubernetes with kubectl', 'name'),
  exec: switchFlag('Hand the secret to the program after -- on its standard input'),
} as const;
