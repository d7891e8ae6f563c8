/** A difference between this WorkOS and what Latchkey assumes. */
export type Finding = {
  /** Constant, so that the documentation can list it. */
  name: string;
  /** Whether some function of Latchkey fails because of it. */
  breaks: boolean;
  assumes: string;
  seen: string;
  todo: string;
};

export type StepResult = {
  number: number;
  title: string;
  status: 'ok' | 'differs' | 'skipped';
  /** Measurements; for a skipped step, the reason. */
  notes: string[];
  findings: Finding[];
};

/** A step throws it when it cannot run here. */
export class Skip extends Error {
  override readonly name = 'Skip';
}

export const COPES = 'Nothing: Latchkey works with it.';
