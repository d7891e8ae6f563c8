import { render } from 'preact';
import { App } from './app.tsx';
import { followColours } from './parts/colours.ts';
import { makeSession } from './session/session.ts';
import './styles/tokens.css';
import './styles/base.css';
import { loadText } from './words/load-text.ts';

followColours();
const session = makeSession();
if ('signedOut' in document.documentElement.dataset) session.leave();
else await show();

async function show(): Promise<void> {
  const text = await loadText(navigator.languages);
  document.documentElement.lang = text.f.language;
  render(<App session={session} text={text} />, document.querySelector('#app')!);
}
