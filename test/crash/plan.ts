import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { planWebhooks } from './billing.ts';
import type { PlannedWebhook } from './billing.ts';
import { ANY_TIME } from './points.ts';
import { makeRandom } from './random.ts';
import type { Random } from './random.ts';
import type { Trouble } from './receiver.ts';

export type Step =
  | { kind: 'create'; idempotent: boolean }
  | { kind: 'rotate'; idempotent: boolean; graceSeconds: number }
  | { kind: 'update' }
  /** A rotation, and at the same time what else may be done to the same key. */
  | { kind: 'race'; graceSeconds: number; beside: Beside[] }
  /** A suspension, and the resumption after it unless it is the last that the client does. */
  | { kind: 'suspend'; resumed: boolean }
  | { kind: 'revoke' }
  /** Somebody deletes the key in WorkOS's dashboard. */
  | { kind: 'delete_there' };
export type Beside = 'restrict' | 'move_end' | 'revoke';
export type Asked = 'create' | 'delete' | 'expire' | 'list' | 'events';
export type PlannedFault = { asked: Asked; fault: FaultInput };
export type Plan = {
  seed: string;
  point: string;
  pass: number;
  /** With `ANY_TIME`: when. */
  killAfterMs: number;
  /** Clients that act at the same time, each with a key of its own. */
  clients: Step[][];
  /** Whether they all are one person, who makes keys of their own. */
  personal: boolean;
  /** Keys from WorkOS's dashboard: with a plain name, or with a forged marker. */
  foreign: ('plain' | 'forged')[];
  faults: PlannedFault[];
  /** The billing webhooks of the trial. */
  incoming: PlannedWebhook[];
  /** Delivery attempts that the receiver refuses. */
  troubles: Trouble[];
  /** WorkOS cannot be reached at all for this long at the start. */
  outageMs: number;
  /** Whether the command line reconciles in the end, with the events of WorkOS held back until then. */
  reconcile: boolean;
};

type Kinds = [FaultInput, ...FaultInput[]];
const LOST: Kinds = [
  { kind: 'reset_after' },
  { kind: 'lost_answer' },
  { kind: 'malformed_json' },
  { kind: 'empty_body' },
];
const NOT_DONE: Kinds = [
  { kind: 'reset_before' },
  { kind: 'hang' },
  { kind: 'html' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'status', status: 401 },
];
/** Longer than any deadline of the service under test: the work is done after the service gave up. */
const LATE: Kinds = [
  { kind: 'latency', ms: 700 },
  { kind: 'latency', ms: 1_200 },
];

const NO_EVENTS: PlannedFault = { asked: 'events', fault: { kind: 'status', status: 503, times: 0 } };

/** What a trial does, all of it decided by its seed and the point it is about. */
export function makePlan(seed: string, point: string): Plan {
  const random = makeRandom(`${seed} ${point}`);
  const clients = Array.from({ length: 1 + random.below(3) }, () => life(random));
  addSuspensions(makeRandom(`${seed} suspensions`), clients);
  const faults: PlannedFault[] = [];
  addWhatLeadsTo(point, random, clients, faults);
  if (random.chance(0.4)) faults.push(someFault(random));
  if (random.chance(0.15)) faults.push(someFault(random));
  const foreign = foreignKeys(random);
  const reconcile = point.startsWith('reconcile.');
  if (reconcile) foreign.push('plain');
  // What is settled in a trial is mostly settled once.
  const pass = clients.length > 1 && !point.startsWith('settle.') && random.chance(0.25) ? 2 : 1;
  return {
    seed,
    point,
    pass,
    killAfterMs: point === ANY_TIME ? 5 + random.below(400) : 0,
    clients,
    personal: makeRandom(`${seed} owner`).chance(0.3),
    foreign,
    faults: reconcile ? [...faults.filter(({ asked }) => asked !== 'list'), NO_EVENTS] : faults,
    incoming: planWebhooks(makeRandom(`${seed} hooks`)),
    troubles: someTrouble(makeRandom(`${seed} notices`)),
    outageMs: random.chance(0.08) && !reconcile ? 300 + random.below(900) : 0,
    reconcile,
  };
}

/** What one client does with one key: makes it first. */
function life(random: Random): Step[] {
  const steps: Step[] = [{ kind: 'create', idempotent: random.chance(0.6) }];
  while (random.chance(0.5) && steps.length < 4) {
    if (random.chance(0.6)) steps.push(random.chance(0.5) ? race(random) : rotation(random));
    else steps.push({ kind: 'update' });
  }
  if (random.chance(0.3)) steps.push({ kind: 'revoke' });
  else if (random.chance(0.15)) steps.push({ kind: 'delete_there' });
  return steps;
}

/** Drawn apart, so that the rest of a seed's plan stays as it is. */
function addSuspensions(random: Random, clients: Step[][]): void {
  for (const steps of clients) {
    const last = steps.at(-1)?.kind;
    const isEnded = last === 'revoke' || last === 'delete_there';
    // A key that was deleted at WorkOS may be revoked between its suspension and its resumption.
    const places = isEnded ? steps.length - 1 : steps.length;
    if (random.chance(0.3)) steps.splice(1 + random.below(places), 0, { kind: 'suspend', resumed: true });
    if (!isEnded && random.chance(0.15)) steps.push({ kind: 'suspend', resumed: false });
  }
}

function rotation(random: Random): Step {
  return { kind: 'rotate', idempotent: random.chance(0.6), graceSeconds: random.pick([0, 0, 3_600]) };
}

function race(random: Random): Step {
  const beside: Beside[] = ['restrict'];
  if (random.chance(0.4)) beside.push('restrict');
  if (random.chance(0.3)) beside.push('move_end');
  if (random.chance(0.25)) beside.push('revoke');
  return { kind: 'race', graceSeconds: random.pick([0, 0, 3_600]), beside };
}

function foreignKeys(random: Random): Plan['foreign'] {
  return Array.from({ length: random.chance(0.4) ? 1 + random.below(2) : 0 }, () =>
    random.chance(0.5) ? 'plain' : 'forged',
  );
}

function addWhatLeadsTo(point: string, random: Random, clients: Step[][], faults: PlannedFault[]): void {
  const steps = clients[0]!;
  if (point.startsWith('rotate.') || point === 'settle.expired')
    steps.splice(1, 0, point !== 'settle.expired' && random.chance(0.5) ? race(random) : rotation(random));
  if (point.startsWith('suspend.') || point.startsWith('resume.'))
    steps.splice(1, 0, { kind: 'suspend', resumed: true });
  if (point.startsWith('revoke.') || point === 'settle.deleted') endWith(steps, { kind: 'revoke' });
  if (point === 'settle.expired') faults.push({ asked: 'expire', fault: random.pick(NOT_DONE) });
  if (point === 'settle.deleted') faults.push({ asked: 'delete', fault: random.pick(NOT_DONE) });
  if (point === 'settle.failed') faults.push({ asked: 'create', fault: random.pick([NOT_DONE[0], ...LOST, ...LATE]) });
  if (point === 'settle.orphan_deleted') faults.push({ asked: 'create', fault: random.pick(LOST) });
}

function endWith(steps: Step[], last: Step): void {
  const before = steps.at(-1)?.kind;
  if (before === 'revoke' || before === 'delete_there') steps.pop();
  steps.push(last);
}

function someFault(random: Random): PlannedFault {
  const asked = random.pick<Asked>(['create', 'create', 'create', 'delete', 'expire', 'list', 'events']);
  const kinds = random.pick([LOST, NOT_DONE, asked === 'create' ? LATE : NOT_DONE]);
  return { asked, fault: { ...random.pick(kinds), after: random.below(3) } };
}

function someTrouble(random: Random): Trouble[] {
  if (!random.chance(0.25)) return [];
  return [{ nth: random.below(4), answer: random.pick<Trouble['answer']>([500, 'nothing']) }];
}
