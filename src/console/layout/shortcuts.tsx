import { useCallback, useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useConsole } from '../data/console.ts';
import { Button } from '../parts/controls/button.tsx';
import { Dialog } from '../parts/controls/dialog.tsx';
import dialog from '../parts/controls/dialog.module.css';
import { usePageText } from '../words/page-text.ts';
import css from './shortcuts.module.css';

const OFF = 'latchkey.shortcuts-off';
const CREATE = '/console/keys?dialog=create';
const SEARCH = '[data-shortcut=search]';

/** Single-key shortcuts, which can be switched off, and the list of them. */
export function Shortcuts() {
  const { w } = usePageText();
  const [isShown, setShown] = useState(false);
  const show = useCallback(() => setShown(true), []);
  useShortcuts(show);
  return (
    <>
      <Button kind="quiet" icon label={w.shortcuts} title={w.shortcuts} onClick={show}>
        <kbd>?</kbd>
      </Button>
      {isShown && (
        <Dialog title={w.shortcuts} onClose={() => setShown(false)}>
          <div class={dialog.content}>
            <dl class={css.list}>
              {[
                ['/', w.shortcutSearch],
                ['n', w.shortcutCreate],
                ['?', w.shortcutHelp],
              ].map(([key, text]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
            <label class={css.switch}>
              <input
                type="checkbox"
                defaultChecked={isOn()}
                onChange={({ currentTarget }) => turn(currentTarget.checked)}
              />
              {w.shortcutsOn}
            </label>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Read when a key is pressed: the browser's store is slow to open, and the first screen does not wait for it. */
const isOn = () => localStorage.getItem(OFF) === null;

function turn(on: boolean): void {
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, '1');
}

function useShortcuts(showHelp: () => void): void {
  const { route } = useLocation();
  const canCreate = useConsole().may.create === undefined;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const search = document.querySelector<HTMLElement>(SEARCH);
      const act = {
        '/': search && (() => search.focus()),
        n: canCreate && (() => route(CREATE)),
        '?': showHelp,
      }[event.key];
      if (!act || !isOn()) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [canCreate, route, showHelp]);
}

/** Whether a key belongs to a field, or to a dialog. */
function isTyping(target: EventTarget | null): boolean {
  const isField = target instanceof Element && target.closest('input, textarea, select, [role=menu]') !== null;
  return isField || document.querySelector('dialog[open]') !== null;
}
