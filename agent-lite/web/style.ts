/** The page's only stylesheet, inline: no second request, nothing from elsewhere. Colours follow the reader's light or dark. */
export const style = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --text: #1c2330; --dim: #5d6778; --line: #e1e5eb;
  --good: #13723f; --good-bg: #ddf4e6; --bad: #a8201a; --bad-bg: #fde4e1; --wait: #7a5200; --wait-bg: #fff0cd; --bar: #3b6fd4; }
@media (prefers-color-scheme: dark) { :root { --bg: #12151b; --card: #1b2029; --text: #e6e9ef; --dim: #98a2b3; --line: #2c3340;
  --good: #6fdc9d; --good-bg: #14351f; --bad: #ff9c94; --bad-bg: #43191a; --wait: #f7c95c; --wait-bg: #3a2d0c; --bar: #6d9bf1; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 16px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin: 4px 0 14px; }
h1 { font-size: 1.35rem; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 8px; }
.sub { color: var(--dim); width: 100%; font-size: .88rem; } .sub span { white-space: nowrap; }
.url { font-weight: 400; }
.badge { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: .84rem; font-weight: 600; white-space: nowrap; }
.good { color: var(--good); background: var(--good-bg); } .bad { color: var(--bad); background: var(--bad-bg); }
.wait { color: var(--wait); background: var(--wait-bg); }
.reasons { margin: 0 0 14px; padding: 10px 14px 10px 30px; border-radius: 10px; overflow-wrap: anywhere; }
.reasons li + li { margin-top: 4px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 14px; margin-bottom: 14px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px; min-width: 0; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 5px 14px; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.error { color: var(--bad); overflow-wrap: anywhere; margin: 10px 0 0; }
progress { appearance: none; width: 100%; height: 6px; border: 0; border-radius: 3px; background: var(--line); display: block; margin: 2px 0 10px; }
progress::-webkit-progress-bar { background: var(--line); border-radius: 3px; }
progress::-webkit-progress-value { background: var(--bar); border-radius: 3px; }
progress::-moz-progress-bar { background: var(--bar); border-radius: 3px; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; color: var(--dim); font-weight: 500; font-size: .85rem; padding: 0 10px 6px 0; }
td { border-top: 1px solid var(--line); padding: 7px 10px 7px 0; vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td .error { margin: 2px 0 0; font-size: .88rem; }
.url { color: var(--dim); font-size: .88rem; }
footer { color: var(--dim); font-size: .85rem; margin: 14px 2px; } footer a { color: inherit; margin-right: 12px; }
@media (max-width: 640px) {
  main { padding: 12px; }
  thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
  tr { display: grid; grid-template-columns: repeat(3, 1fr); border-top: 1px solid var(--line); padding: 8px 0; gap: 4px 10px; }
  tbody tr:first-child { border-top: 0; padding-top: 0; }
  td { border: 0; padding: 0; } td.target { grid-column: 1 / 3; } td.health { grid-column: 3; justify-self: end; }
  td.number { text-align: left; font-size: .88rem; } td.number:last-child { justify-self: end; }
  td.number::before { content: attr(data-label); display: block; font-size: .8rem; color: var(--dim); }
}
`;
