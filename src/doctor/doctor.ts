import { randomBytes } from 'node:crypto';
import type { Product } from '../product/product.ts';
import { makeCall } from './client.ts';
import type { Finding, StepResult } from './finding.ts';
import { Skip } from './finding.ts';
import { makeSecrets } from './secrets.ts';
import { STEPS } from './steps.ts';
import type { DoctorOptions, Judge, Step, Target, World } from './world.ts';

type Input = {
  target: Target;
  product: Product;
  judge: Judge;
  options: DoctorOptions;
  timeoutMs: number;
  /** Secrets to hide in the report, besides those that the steps find. */
  secrets: readonly (string | undefined)[];
  signal: AbortSignal;
  onStep?: (result: StepResult) => void;
};

export type Examination = {
  apiUrl: string;
  startedAt: Date;
  steps: StepResult[];
  /** Objects that could not be deleted. */
  left: string[];
  interrupted: boolean;
};

type Undo = { what: string; action: () => Promise<void> };
type Draft = { notes: string[]; findings: Finding[] };

const UNDO_MS = 60_000;

/**
 * Examines a WorkOS step by step with the calls that Latchkey makes, then deletes what the steps created, also after a
 * failure or an interruption. The result holds no secret.
 */
export async function examine(input: Input): Promise<Examination> {
  const startedAt = new Date();
  const secrets = makeSecrets();
  secrets.add(...input.secrets);
  const undos: Undo[] = [];
  let draft: Draft = { notes: [], findings: [] };
  const world = makeWorld(input, { startedAt, secrets, undos, draft: () => draft });
  const steps: StepResult[] = [];
  for (const step of STEPS) {
    if (input.signal.aborted) break;
    draft = { notes: [], findings: [] };
    const result = hide(await runStep(step, world, draft), secrets.hide);
    steps.push(result);
    input.onStep?.(result);
  }
  const left = (await undoAll(undos)).map((line) => secrets.hide(line));
  return { apiUrl: input.target.apiUrl, startedAt, steps, left, interrupted: input.signal.aborted };
}

type Parts = { startedAt: Date; secrets: World['secrets']; undos: Undo[]; draft: () => Draft };

function makeWorld({ target, product, judge, options, timeoutMs, signal }: Input, parts: Parts): World {
  const onLimited = (): void => {
    const text = 'WorkOS answered 429; the doctor waited and went on.';
    if (!parts.draft().notes.includes(text)) parts.draft().notes.push(text);
  };
  const http = { url: target.apiUrl, apiKey: target.apiKey, timeoutMs, holdOffMs: options.pauseMs * 2, onLimited };
  return {
    target,
    product,
    judge,
    options,
    secrets: parts.secrets,
    facts: { startedAt: parts.startedAt },
    signal,
    call: makeCall({ ...http, signal }),
    after: makeCall({ ...http, signal: new AbortController().signal }),
    mark: randomBytes(6).toString('hex'),
    note: (text) => void parts.draft().notes.push(text),
    differs: (finding) => void parts.draft().findings.push(finding),
    undo: (what, action) => void parts.undos.push({ what, action }),
  };
}

async function runStep({ number, title, run }: Step, world: World, draft: Draft): Promise<StepResult> {
  try {
    await run(world);
  } catch (error) {
    if (error instanceof Skip) return { number, title, status: 'skipped', notes: [error.message], findings: [] };
    if (world.signal.aborted)
      return { number, title, status: 'skipped', notes: ['The examination was interrupted.'], findings: [] };
    draft.findings.push(unexpected(error));
  }
  return { number, title, status: draft.findings.length > 0 ? 'differs' : 'ok', ...draft };
}

const unexpected = (error: unknown): Finding => ({
  name: 'unexpected-answer',
  breaks: true,
  assumes: 'that every call of the step succeeds',
  seen: error instanceof Error ? error.message : String(error),
  todo: 'Compare the answer with the specification of WorkOS, and report it with this file.',
});

/** Deletes newest first; a failure does not stop the others. */
async function undoAll(undos: readonly Undo[]): Promise<string[]> {
  const left: string[] = [];
  for (const { what, action } of undos.toReversed()) {
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('WorkOS did not answer in time')), UNDO_MS).unref();
    });
    await Promise.race([action(), late]).catch((error: unknown) => {
      left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  return left;
}

const hide = (result: StepResult, hideText: (text: string) => string): StepResult => ({
  ...result,
  notes: result.notes.map((note) => hideText(note)),
  findings: result.findings.map((finding) => ({
    ...finding,
    seen: hideText(finding.seen),
    todo: hideText(finding.todo),
  })),
});

/** Returns 0 when Latchkey works with this WorkOS, 1 when something will not work, 2 when the examination is incomplete. */
export function exitCodeOf({ steps, left, interrupted }: Examination): 0 | 1 | 2 {
  if (interrupted || left.length > 0) return 2;
  return steps.some(({ findings }) => findings.some(({ breaks }) => breaks)) ? 1 : 0;
}
