import type { ComponentType } from 'preact';
import { useCallback } from 'preact/hooks';
import { useConsole } from '../data/console.ts';
import { useQueryString, useWays } from '../data/location.ts';

export type DialogName = 'create' | 'leaked' | 'rotate' | 'revoke' | 'suspend' | 'resume' | 'edit' | 'secret';

/** Opens and closes dialogs by the address, so that a dialog can be linked to, and Back closes it. */
export function useDialogs() {
  const { set } = useWays();
  const open = useCallback((dialog: DialogName, key?: string) => set({ dialog, key }, { push: true }), [set]);
  const close = useCallback(() => set({ dialog: undefined, key: undefined }), [set]);
  return { open, close };
}

type OfKey = ComponentType<{ id: string; onClose: () => void }>;
/** The dialogs themselves: at hand, or downloaded when one is opened. Those of pages alone are not in the element. */
type Parts = Readonly<Record<'CreateDialog' | 'LeakedDialog', ComponentType<{ onClose: () => void }>>> &
  Readonly<Record<'RotateDialog' | 'RevokeDialog' | 'EditDialog' | 'SecretAgainDialog', OfKey>> & {
    ofPage?: Readonly<Record<string, OfKey>>;
  };

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
  if (dialog === 'secret') return <SecretAgainDialog key={id} {...ofKey} />;
  const OfPage = parts.ofPage?.[dialog ?? ''];
  return OfPage ? <OfPage key={id} {...ofKey} /> : null;
}
