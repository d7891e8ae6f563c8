import type { ComponentType } from 'preact';
import { useCallback } from 'preact/hooks';
import { useConsole } from '../data/console.ts';
import { useQueryString, useWays } from '../data/location.ts';

export type DialogName = 'create' | 'leaked' | 'rotate' | 'revoke' | 'edit' | 'secret';

/** Opens and closes dialogs by the address, so that a dialog can be linked to, and Back closes it. */
export function useDialogs() {
  const { set } = useWays();
  const open = useCallback((dialog: DialogName, key?: string) => set({ dialog, key }, { push: true }), [set]);
  const close = useCallback(() => set({ dialog: undefined, key: undefined }), [set]);
  return { open, close };
}

/** The dialogs themselves: at hand, or downloaded when one is opened. */
type Parts = Readonly<Record<'CreateDialog' | 'LeakedDialog', ComponentType<{ onClose: () => void }>>> &
  Readonly<
    Record<
      'RotateDialog' | 'RevokeDialog' | 'EditDialog' | 'SecretAgainDialog',
      ComponentType<{ id: string; onClose: () => void }>
    >
  >;

/** The dialog that the address names, if the caller may have it. */
export function Dialogs({ parts }: { parts: Parts }) {
  const { CreateDialog, LeakedDialog, RotateDialog, RevokeDialog, EditDialog, SecretAgainDialog } = parts;
  const { query } = useQueryString();
  const { close } = useDialogs();
  const { may } = useConsole();
  const { dialog, key: id } = query;
  if (!may.writeSome) return null;
  if (dialog === 'create' && may.create === undefined) return <CreateDialog onClose={close} />;
  if (dialog === 'leaked') return <LeakedDialog onClose={close} />;
  if (id === undefined) return null;
  const ofKey = { id, onClose: close };
  if (dialog === 'rotate') return <RotateDialog key={id} {...ofKey} />;
  if (dialog === 'revoke') return <RevokeDialog key={id} {...ofKey} />;
  if (dialog === 'edit') return <EditDialog key={id} {...ofKey} />;
  return dialog === 'secret' ? <SecretAgainDialog key={id} {...ofKey} /> : null;
}
