export { CreateDialog } from '../create-key/create-dialog.tsx';
export { EditDialog } from './edit-dialog.tsx';
export { LeakedDialog } from './leaked-dialog.tsx';
export { RevokeDialog } from './revoke-dialog.tsx';
export { RotateDialog } from './rotate-dialog.tsx';
export { SecretAgainDialog } from '../secret/secret-again-dialog.tsx';
