/** The looks of the page, in light and dark, on a phone and on a desk. */
export const PAGE_STYLES = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --fore: #1d2329; --soft: #5a6672; --line: #d9dfe5; --tint: #f4f6f8; --link: #0b5cad; --mark: #7a3e00;
}
@media (prefers-color-scheme: dark) {
  :root { --back: #14181c; --fore: #e4e8ec; --soft: #9aa6b2; --line: #303840; --tint: #1c2228; --link: #7db8f5; --mark: #f0b46c; }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--fore); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
code, pre { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; font-size: 0.9em; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.35rem; margin: 2.5rem 0 0.5rem; padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 0 0 0.3rem; }
h4 { font-size: 1rem; margin: 1.2rem 0 0.3rem; color: var(--mark); }
p { margin: 0.3rem 0 0.6rem; }
header { padding: 1.5rem 1rem 0.5rem; max-width: 62rem; }
main { padding: 0 1rem 4rem; max-width: 62rem; }
nav { padding: 1rem; border-bottom: 1px solid var(--line); max-height: 45vh; overflow: auto; background: var(--tint); }
nav h2 { font-size: 0.8rem; letter-spacing: 0.03em; color: var(--soft); border: 0; margin: 0.9rem 0 0.2rem; padding: 0; }
nav h2:first-child { margin-top: 0; }
nav ul { list-style: none; margin: 0; padding: 0; font-size: 0.9rem; }
nav li { padding: 0.15rem 0; }
article { border: 1px solid var(--line); border-radius: 0.5rem; padding: 1rem; margin: 1rem 0; }
.facts, .note, .type { color: var(--soft); font-size: 0.9rem; }
.note p { margin: 0; }
.arrow { color: var(--mark); font-weight: 600; }
.ways { margin: 0.5rem 0; padding-left: 1.2rem; }
.rules { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; margin: 0.6rem 0; font-size: 0.9rem; }
.rules dt { display: inline; color: var(--soft); }
.rules dd { display: inline; margin: 0 0 0 0.4rem; }
.schemes dd { margin: 0 0 0.8rem 1rem; font-size: 0.9rem; }
.wide { overflow-x: auto; margin: 0.6rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem 0.35rem 0; border-bottom: 1px solid var(--line); min-width: 4.5rem; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td:first-child code { white-space: nowrap; }
td:last-child { min-width: 13rem; }
pre { background: var(--tint); border-radius: 0.4rem; padding: 0.8rem; overflow-x: auto; margin: 0.6rem 0; white-space: pre; overflow-wrap: normal; }
@media (min-width: 60rem) {
  body { display: grid; grid-template: "nav header" auto "nav main" 1fr / 17rem minmax(0, 1fr); }
  header { grid-area: header; padding: 2rem 2.5rem 0; }
  nav { grid-area: nav; position: sticky; top: 0; height: 100vh; max-height: none; border-bottom: 0; border-right: 1px solid var(--line); }
  main { grid-area: main; padding: 0 2.5rem 6rem; }
}
@media print { nav { display: none; } body { display: block; } article { break-inside: avoid; } }
`;
