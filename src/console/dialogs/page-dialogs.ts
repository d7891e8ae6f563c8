export * from './all-dialogs.ts';
export { ResumeDialog, SuspendDialog } from '../suspension/suspension-dialog.tsx';
