import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { useConsole } from '../data/console.ts';
import { Button } from '../parts/controls/button.tsx';
import { BuildingIcon, ChartIcon, FlowIcon, KeyIcon, ListIcon, SendIcon } from '../parts/shown/icons.tsx';
import { useConsoleSession } from '../session/session.ts';
import { usePageText } from '../words/page-text.ts';
import { BillingBanner, ImpersonationBanner } from './banners.tsx';
import { OrganizationSwitcher } from './organization-switcher.tsx';
import { InactivityWarning } from './inactivity.tsx';
import { Shortcuts } from './shortcuts.tsx';
import css from './shell.module.css';

/** What surrounds every screen of a person who is signed in. */
export function Shell({ children }: { children: ComponentChildren }) {
  const { w } = usePageText();
  const { product } = useConsole();
  return (
    <div class={css.shell}>
      <a class={css.skip} href="#content">
        {w.skipToContent}
      </a>
      <header class={css.side}>
        <div class={css.brand}>
          <span class={css.mark}>
            <KeyIcon />
          </span>
          {product.name}
        </div>
        <OrganizationSwitcher />
        <Navigation />
        <Person />
      </header>
      <main ref={useFocusOnNewPage()} class={css.main} id="content" tabIndex={-1}>
        <div class={css.inner}>
          <ImpersonationBanner />
          <BillingBanner />
          {children}
        </div>
      </main>
      <InactivityWarning />
    </div>
  );
}

/** Moves the focus to the content of a page that a link has led to, as a browser does for a new document. */
function useFocusOnNewPage() {
  const { path } = useLocation();
  const content = useRef<HTMLElement>(null);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) content.current?.focus({ preventScroll: true });
    shown.current = path;
  }, [path]);
  return content;
}

function Navigation() {
  const { w } = usePageText();
  const { path } = useLocation();
  const { product, may } = useConsole();
  const pages = [
    { to: '/console/keys', text: product.console.section, icon: <KeyIcon />, isShown: true },
    { to: '/console/usage', text: w.usage, icon: <ChartIcon />, isShown: may.readAll },
    { to: '/console/audit', text: w.auditLog, icon: <ListIcon />, isShown: may.audit },
    { to: '/console/webhooks', text: w.webhooks, icon: <SendIcon />, isShown: may.deliveries },
    { to: '/console/ci', text: w.ci, icon: <FlowIcon />, isShown: product.ci !== null && may.readAll },
    { to: '/console/organization', text: w.organization, icon: <BuildingIcon />, isShown: true },
  ];
  return (
    <nav class={css.nav} aria-label={w.navigation}>
      <ul>
        {pages
          .filter(({ isShown }) => isShown)
          .map(({ to, text, icon }) => (
            <li key={to}>
              <a href={to} aria-current={path.startsWith(to) ? 'page' : undefined}>
                {icon}
                {text}
              </a>
            </li>
          ))}
      </ul>
    </nav>
  );
}

function Person() {
  const { w } = usePageText();
  const { me } = useConsole();
  const session = useConsoleSession();
  return (
    <div class={css.person}>
      <div class={css.who}>
        {me.name !== null && <p>{me.name}</p>}
        <p class={css.mail} dir="auto" title={me.email}>
          {me.email}
        </p>
      </div>
      <div class={css.leave}>
        <Button kind="quiet" onClick={() => void session.end()}>
          {w.signOut}
        </Button>
        <Shortcuts />
      </div>
    </div>
  );
}
