import { markdownTable } from '../../test/support/markdown-table.ts';

/** Assumed prices in dollars; a reader puts their provider's in their place. */
export const PRICES = {
  core: { what: 'a core of a process, for an hour', dollars: 0.04 },
  memory: { what: 'a GB of memory of a process, for an hour', dollars: 0.005 },
  databaseCore: { what: 'a core of a managed PostgreSQL, for an hour', dollars: 0.1 },
  databaseMemory: { what: 'a GB of its memory, for an hour', dollars: 0.01 },
  disk: { what: 'a GB of its disk, for a month', dollars: 0.12 },
  redis: { what: 'a node of a managed Redis with 2 GB, for an hour', dollars: 0.06 },
} as const;

/** What one core is planned to verify a second: a measured core does more, and needs room for bursts and neighbours. */
const PLANNED_RATE = 20_000;
const HOURS = 730;
const MEMORY_GB = 1;
const WORKERS = 2;
const SPARE = 2;
/** `DATABASE_POOL_MAX`, and a smaller one. Each process has one more connection, which listens. */
const POOL = 10;
const SMALL_POOL = 6;
/** From here on, PostgreSQL is better reached through a pooler. */
const MOST_CONNECTIONS = 300;
/** A primary and two standbys, and a pair of Redis. */
const DATABASE_SERVERS = 3;
const REDIS_NODES = 2;

/** Memory well above the index that a verification reads, and disk for the keys once and half as much again. */
const DATABASES = [
  { keys: 1_000_000, cores: 2, memory: 8, disk: 20 },
  { keys: 100_000_000, cores: 4, memory: 32, disk: 100 },
  { keys: 1_000_000_000, cores: 16, memory: 128, disk: 1_000 },
] as const;
const RATES = [100_000, 1_000_000, 10_000_000] as const;

type Database =
  | Pick<(typeof DATABASES)[number], 'cores' | 'memory' | 'disk'>
  | { cores: number; memory: number; disk: number };

/** The cores of Latchkey's processes, when all verifications come over HTTP. */
export function httpCores(perSecond: number): number {
  return Math.ceil(perSecond / PLANNED_RATE) + SPARE + WORKERS;
}

/** The cores of checks in the consumers' own processes, and of two replicas and two workers for what they have not seen. */
export function middlewareCores(perSecond: number, checksPerCore: number): { own: number; latchkey: number } {
  return { own: Math.ceil(perSecond / checksPerCore), latchkey: SPARE + WORKERS };
}

export function processesCost(cores: number): number {
  return cores * (PRICES.core.dollars + MEMORY_GB * PRICES.memory.dollars) * HOURS;
}

export function storesCost({ cores, memory, disk }: Database): number {
  const hourly = cores * PRICES.databaseCore.dollars + memory * PRICES.databaseMemory.dollars;
  const redis = REDIS_NODES * PRICES.redis.dollars * HOURS;
  return DATABASE_SERVERS * (hourly * HOURS + disk * PRICES.disk.dollars) + redis;
}

/** Returns the tables of scaling.md that are sums. @param triedKeys the most keys with which rates were measured */
export function costTables(
  checksPerCore: number,
  triedKeys: number,
): Record<'runs' | 'prices' | 'stores' | 'months', string> {
  const prices = Object.values(PRICES).map(({ what, dollars }) => [what, `$${dollars.toFixed(3)}`]);
  const stores = DATABASES.map(({ keys, ...database }) => [
    number(keys),
    `${DATABASE_SERVERS} servers, each ${database.cores} cores, ${database.memory} GB of memory, ${number(database.disk)} GB of disk`,
    money(storesCost(database)),
    'calculated',
  ]);
  const months = DATABASES.flatMap(({ keys, ...database }) =>
    RATES.map((rate) => {
      const { own, latchkey } = middlewareCores(rate, checksPerCore);
      const tried = keys <= triedKeys ? 'as many' : `at most ${number(triedKeys)}`;
      return [
        number(keys),
        number(rate),
        `${httpCores(rate)} cores, ${monthOf(httpCores(rate), database)}`,
        `${own + latchkey} cores, ${own} of them in your services, ${monthOf(own + latchkey, database)}`,
        `calculated, from rates measured with ${tried} keys`,
      ];
    }),
  );
  return {
    runs: runs(checksPerCore),
    prices: markdownTable([['what', 'assumed'], ...prices]),
    stores: markdownTable([
      ['keys', 'PostgreSQL: a primary and two standbys', 'a month, with a pair of Redis', 'how sure'],
      ...stores,
    ]),
    months: markdownTable([
      ['keys', 'verifications a second', 'over HTTP', 'with the middleware', 'how sure'],
      ...months,
    ]),
  };
}

/** What to run for so many verifications a second, over HTTP and with the middleware. */
function runs(checksPerCore: number): string {
  const rows = RATES.flatMap((rate) => {
    const cores = httpCores(rate);
    const { own, latchkey } = middlewareCores(rate, checksPerCore);
    const pooled = cores * (POOL + 1) > MOST_CONNECTIONS;
    const pooler = pooled ? ', [PgBouncer](../how-to/connect-through-pgbouncer.md)' : '';
    return [
      [
        number(rate),
        `over HTTP: ${cores - SPARE - WORKERS} replicas \`api\` and ${SPARE} to spare, ${WORKERS} \`worker\`${pooler}`,
        number(cores),
        pooled
          ? `${number(cores * (SMALL_POOL + 1))} with a pool of ${SMALL_POOL}, so a pooler`
          : number(cores * (POOL + 1)),
        'calculated',
      ],
      [
        'the same',
        `with the middleware: the checks run in your services; ${SPARE} replicas \`api\` and ${WORKERS} \`worker\` for what they have not seen`,
        `${own} in your services, ${latchkey} for Latchkey`,
        number(latchkey * (POOL + 1)),
        'calculated',
      ],
    ];
  });
  return markdownTable([['a second', 'run', 'cores', 'connections of PostgreSQL', 'how sure'], ...rows]);
}

function monthOf(cores: number, database: Database): string {
  return money(processesCost(cores) + storesCost(database));
}

function number(value: number): string {
  return value.toLocaleString('en');
}

/** Rounds to two digits: more would claim what assumptions cannot. */
function money(dollars: number): string {
  return `$${number(Number(dollars.toPrecision(2)))}`;
}
