import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/**
 * What goes wrong with an operation's calls to WorkOS: nothing; none is sent; each is done and its answer lost; each is
 * refused for what it asks.
 */
export type Trouble = 'none' | 'down' | 'lost' | 'refused';

/** What came of an operation: the statuses that the service answered with, and what it threw. */
export type Outcome = { statuses: number[]; error: unknown };

type Gate = { label: string; pass: () => void };

/** One operation of an interleaving, which stops at every boundary until the scheduler lets it pass. */
export type Task = {
  name: string;
  trouble: Trouble;
  /** Where it stands; more than one, when it does several things at once. */
  gates: Gate[];
  /** Whether there ever was more than one. */
  branched: boolean;
  /** Backends on which a statement of it runs. */
  statements: number[];
  /** Calls to WorkOS that are on their way. */
  calls: number;
  /** Its statements all wait for locks. */
  blocked: boolean;
  outcome: Outcome | undefined;
};

/** @returns those of these backends that wait for a lock */
type FindBlocked = (pids: readonly number[]) => Promise<ReadonlySet<number>>;

/** Longer than any work between two boundaries takes; who is silent for so long waits for another operation. */
const SILENT_MS = 40;
const STUCK_MS = 10_000;
const TURNS = 2;
/** How many turns of the event loop pass before locks are asked about, and before it sleeps in between. */
const LOOK_AFTER_TURNS = 4;
const SLEEP_AFTER_TURNS = 30;

export type Stage = ReturnType<typeof makeStage>;

/**
 * Where operations meet boundaries. Whatever runs within an operation is known to be its, through all that is awaited;
 * what runs outside of any passes everywhere.
 */
export function makeStage(findBlocked: FindBlocked) {
  const current = new AsyncLocalStorage<Task>();
  let lastChange = 0;
  const changed = () => {
    lastChange = performance.now();
  };

  async function boundary(label: string): Promise<void> {
    const task = current.getStore();
    if (!task || task.outcome) return;
    changed();
    await new Promise<void>((pass) => {
      if (task.gates.push({ label, pass }) > 1) task.branched = true;
    });
    changed();
  }

  async function settle(tasks: readonly Task[]): Promise<void> {
    const giveUpAt = performance.now() + STUCK_MS;
    for (const task of tasks) task.blocked = false;
    for (let turns = 0; performance.now() < giveUpAt; turns++) {
      await (turns < SLEEP_AFTER_TURNS ? turn() : sleep(1));
      const moving = tasks.filter(isMoving);
      if (moving.length === 0 && turns >= TURNS) return;
      if (turns >= LOOK_AFTER_TURNS && moving.some(({ statements }) => statements.length > 0))
        await lookForLocks(moving);
      if (moving.every(isIdle) && performance.now() - lastChange > SILENT_MS) return;
    }
    throw new Error('an operation went on for too long between two boundaries');
  }

  async function lookForLocks(moving: readonly Task[]): Promise<void> {
    const blocked = await findBlocked(moving.flatMap(({ statements }) => statements));
    for (const task of moving)
      task.blocked = task.statements.length > 0 && task.statements.every((pid) => blocked.has(pid));
  }

  return {
    boundary,
    settle,
    task: () => current.getStore(),
    /** Runs what belongs to an operation, or to none. */
    within: <T>(task: Task | undefined, run: () => T): T => (task ? current.run(task, run) : current.exit(run)),

    /** Starts an operation, which stops at once. */
    start(name: string, trouble: Trouble, run: (statuses: number[]) => Promise<void>): Task {
      const idle = { gates: [], branched: false, statements: [], calls: 0, blocked: false, outcome: undefined };
      const task: Task = { name, trouble, ...idle };
      const statuses: number[] = [];
      const end = (error: unknown) => {
        changed();
        task.outcome = { statuses, error };
      };
      void current.run(task, async () => {
        await boundary('start');
        await run(statuses).then(() => end(undefined), end);
      });
      return task;
    },

    /** Counts a statement while it runs. */
    async statement<T>(pid: number, run: () => Promise<T>): Promise<T> {
      const task = current.getStore();
      if (!task) return run();
      task.statements.push(pid);
      try {
        return await run();
      } finally {
        task.statements.splice(task.statements.indexOf(pid), 1);
        changed();
      }
    },

    /** Counts a call to WorkOS while it is on its way. */
    async call<T>(run: () => Promise<T>): Promise<T> {
      const task = current.getStore();
      if (!task) return run();
      task.calls += 1;
      try {
        return await run();
      } finally {
        task.calls -= 1;
        changed();
      }
    },
  };
}

function isMoving(task: Task): boolean {
  if (task.outcome || task.blocked) return false;
  return task.calls > 0 || task.statements.length > 0 || task.gates.length === 0;
}

/** Nothing is known that it does: it waits for what another operation does, or sleeps. */
function isIdle({ calls, statements }: Task): boolean {
  return calls === 0 && statements.length === 0;
}
