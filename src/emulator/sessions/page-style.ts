export const PAGE_STYLE = `
:root { --ink: #1c1b22; --soft: #6b6976; --line: #dedce6; --paper: #fff; --ground: #f6f5f9; --accent: #5746af; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f1f0f5; --soft: #a5a2b3; --line: #3a3844; --paper: #211f28; --ground: #17161c; --accent: #a99bf5; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1.25rem;
  padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  box-shadow: 0 8px 24px rgb(20 16 50 / 8%); }
.brand { display: flex; align-items: center; gap: .5rem; margin: 0 0 1.5rem; color: var(--soft); font-size: .875rem; }
.brand svg { width: 1.125rem; height: 1.125rem; fill: var(--accent); }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25; }
.lead { margin: 0 0 1.25rem; color: var(--soft); }
label { display: block; margin-bottom: 1rem; font-size: .875rem; font-weight: 600; }
input:not([type=hidden]) { display: block; width: 100%; margin-top: .375rem; padding: .625rem .75rem; font: inherit; color: inherit;
  background: var(--ground); border: 1px solid var(--line); border-radius: .5rem; }
button { display: block; width: 100%; margin-top: .5rem; padding: .6875rem 1rem; font: inherit; font-weight: 600; cursor: pointer; color: var(--paper);
  background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem; }
button.choice { color: var(--ink); background: var(--ground); border-color: var(--line); text-align: left; }
button:hover { filter: brightness(1.06); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.alert { margin: 0 0 1rem; padding: .625rem .75rem; color: var(--bad); border: 1px solid currentcolor; border-radius: .5rem; font-size: .875rem; }
code { overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .8125rem; text-align: center; }
`;
