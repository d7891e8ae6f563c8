import { later } from '../parts/later.tsx';

// One file for all of them: a reader who opens one is about to need another.
const load = () => import('./page-dialogs.ts');

/** The dialogs, downloaded before the first is shown. */
export const laterDialogs = {
  CreateDialog: later(async () => (await load()).CreateDialog),
  RotateDialog: later(async () => (await load()).RotateDialog),
  RevokeDialog: later(async () => (await load()).RevokeDialog),
  EditDialog: later(async () => (await load()).EditDialog),
  LeakedDialog: later(async () => (await load()).LeakedDialog),
  SecretAgainDialog: later(async () => (await load()).SecretAgainDialog),
  ofPage: {
    suspend: later(async () => (await load()).SuspendDialog),
    resume: later(async () => (await load()).ResumeDialog),
  },
};

/** Downloads the dialogs before they are needed. */
export const preloadDialogs = (): void => laterDialogs.CreateDialog.preload();
