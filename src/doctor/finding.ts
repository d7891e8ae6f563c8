/** One way in which this WorkOS is not as Latchkey assumes. */
export type Finding = {
  /** Constant, so that it can be looked up in the documentation. */
  name: string;
  /** Whether something of Latchkey does not work because of it; else Latchkey copes. */
  breaks: boolean;
  assumes: string;
  seen: string;
  todo: string;
};

export type StepResult = {
  number: number;
  title: string;
  status: 'ok' | 'differs' | 'skipped';
  /** What was measured; of a skipped step, why. */
  notes: string[];
  findings: Finding[];
};

/** Thrown by a step that cannot be taken here. */
export class Skip extends Error {
  override readonly name = 'Skip';
}

export const COPES = 'Nothing: Latchkey copes.';
