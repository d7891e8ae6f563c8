import { render } from 'preact';
import { App } from './app.tsx';
import { followColours } from './parts/colours.ts';
import { makeSession } from './session/session.ts';
import './styles/tokens.css';
import './styles/base.css';
import type { Format } from './words/format.ts';
import { loadText } from './words/load-text.ts';

followColours();
const session = makeSession();
if ('signedOut' in document.documentElement.dataset) session.leave();
else await show();

async function show(): Promise<void> {
  const text = await loadText(navigator.languages);
  document.documentElement.lang = text.f.language;
  render(<App session={session} text={text} />, document.querySelector('#app')!);
  warmUp(text.f);
}

/** Makes the formats of the list while its keys are on their way: the first use of each takes milliseconds. */
function warmUp({ exactly, list, number, relative }: Format): void {
  const now = Date.now();
  for (const use of [() => number(0), () => relative(now), () => exactly(now), () => list([])]) setTimeout(use);
}
