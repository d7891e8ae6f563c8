/** Uses the dark colours while the system does. */
export function followColours(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => document.documentElement.classList.toggle('dark', dark.matches);
  dark.addEventListener('change', apply);
  apply();
}
