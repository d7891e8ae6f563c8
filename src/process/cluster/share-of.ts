import type { Config } from '../../config/config.ts';

const MIN_CONNECTIONS = 2;

/** Divides among the processes of one machine what the configuration gives to the machine: memory and connections. */
export function shareOf(config: Config): Config {
  const { processes, connections, budgets } = config;
  const part = (whole: number, least = 1) => Math.max(least, Math.ceil(whole / processes));
  return {
    ...config,
    cacheMaxKeys: part(config.cacheMaxKeys),
    databasePoolMax: part(config.databasePoolMax, MIN_CONNECTIONS),
    connections: {
      ...connections,
      max: part(connections.max),
      // 0 is no limit. Connections are handed out in turn, so that those of one address meet all processes.
      maxPerAddress: connections.maxPerAddress === 0 ? 0 : part(connections.maxPerAddress),
    },
    budgets: {
      ...budgets,
      streams: part(budgets.streams, 2),
      exports: part(budgets.exports),
      spareLookUpsPerSecond: part(budgets.spareLookUpsPerSecond),
    },
  };
}
