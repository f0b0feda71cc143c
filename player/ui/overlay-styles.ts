// The look of the statistics overlay: a small card over the picture that shrinks with it.
// The tree adopts it beside the player's own sheet.

export const overlayStyles = `
.overlay {
  position: absolute; z-index: 3; top: 12px; left: 12px; width: min(304px, calc(100% - 24px)); max-height: calc(100% - 24px); padding: 14px 16px;
  overflow: auto; border: 1px solid var(--line); border-radius: 16px; background: var(--card);
  font-size: 13px; font-variant-numeric: tabular-nums; box-shadow: 0 10px 40px rgb(0 0 0 / .35);
}
.overlay header { display: flex; align-items: baseline; gap: 8px; }
.overlay-share { font-size: 28px; line-height: 1; font-weight: 680; letter-spacing: -.02em; color: var(--figure); }
.overlay-caption { flex: 1; color: var(--soft); }
.overlay-close {
  align-self: flex-start; width: 28px; height: 28px; margin: -4px -6px 0 0; border: 0; border-radius: 50%;
  background: none; color: var(--soft); font-size: 18px; line-height: 1;
}
.overlay-close:hover { background: var(--hover); color: var(--ink); }
.diagram { display: block; width: 100%; margin: 4px 0 8px; overflow: visible; }
.diagram text { font: 600 10.5px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: var(--ink); text-anchor: middle; }
.diagram .rate { font-weight: 500; fill: var(--soft); paint-order: stroke; stroke: var(--backing, #0d141a); stroke-width: 3px; }
.diagram .node-cdn { fill: var(--rest); }
.diagram .node-you { fill: var(--backing, #0d141a); stroke: var(--ink); stroke-width: 2; }
.diagram .node-peer { fill: var(--accent); }
.diagram .name-node-cdn { fill: #06090c; }
.link { fill: none; stroke: var(--line); stroke-width: 1.5; }
.diagram[data-cdn-flows] .link-cdn { stroke: var(--rest); stroke-width: var(--cdn-width); stroke-dasharray: 5 5; animation: flow 1s linear infinite; }
.diagram[data-peers-flow] .link-peer { stroke: var(--accent); stroke-width: var(--peer-width); stroke-dasharray: 5 5; animation: flow 1s linear infinite; }
@keyframes flow { to { stroke-dashoffset: -10; } }
.bar { position: relative; height: 8px; border-radius: 4px; overflow: hidden; background: var(--rest); }
.bar[data-empty] { background: var(--line); }
.bar-peers {
  position: absolute; inset: 0; background: var(--accent); transform-origin: left;
  transform: scaleX(var(--share, 0)); transition: transform .6s ease;
}
.legend { display: flex; justify-content: space-between; gap: 12px; margin: 8px 0 12px; }
.legend-entry { display: flex; white-space: nowrap; align-items: baseline; gap: 6px; color: var(--soft); }
.legend-entry::before { content: ""; width: 8px; height: 8px; border-radius: 2px; background: var(--rest); }
.legend-peers::before { background: var(--accent); }
.legend-entry .amount { color: var(--ink); font-weight: 600; }
.figures {
  display: grid; grid-template-columns: 1fr 1fr; gap: 5px 18px; margin: 0; padding-top: 11px;
  border-top: 1px solid var(--line);
}
.figures div { display: flex; justify-content: space-between; gap: 8px; }
.figures dt { color: var(--soft); white-space: nowrap; }
.figures dd { margin: 0; font-weight: 600; white-space: nowrap; }
.sharing {
  display: flex; align-items: center; justify-content: space-between; gap: 12px; margin-top: 11px; padding-top: 11px;
  border-top: 1px solid var(--line); font-weight: 600; cursor: pointer;
}
.sharing input {
  position: relative; flex: none; width: 38px; height: 22px; margin: 0; border-radius: 999px; background: var(--rest);
  appearance: none; cursor: pointer;
}
.sharing input::after { content: ""; position: absolute; top: 3px; left: 3px; width: 16px; height: 16px; border-radius: 50%; background: #fff; transition: transform .15s ease; }
.sharing input:checked { background: var(--accent); }
.sharing input:checked::after { transform: translateX(16px); }
/* Nothing is delivered before a broadcast has begun or after a refusal: one message at a time. */
.notice:is([data-kind="waiting"], [data-kind="failed"]):not([hidden]) ~ .overlay { display: none; }
@container (max-width: 900px) { .notice[data-kind="ended"]:not([hidden]) ~ .overlay { display: none; } }
@media (prefers-color-scheme: light) { .diagram { --backing: #fff; } }
@container (max-width: 560px) {
  .consent:not([hidden]) ~ .overlay, :host([overlay]) .tap[data-mode="unmute"] { display: none; }
  .overlay { top: 8px; left: 8px; width: min(240px, calc(100% - 16px)); max-height: calc(100% - 64px); padding: 9px 11px; border-radius: 12px; font-size: 11.5px; }
  .overlay header { gap: 6px; }
  .overlay-share { font-size: 19px; }
  .legend { margin: 6px 0 0; }
  .legend-entry > span:first-child, .diagram { display: none; }
  .bar { margin-top: 7px; }
  .figures { display: none; }
  .sharing { margin-top: 7px; padding-top: 7px; }
}
@container (max-width: 300px) {
  .overlay { max-height: calc(100% - 16px); }
  .legend { display: none; }
}
@container (min-width: 1100px) { .overlay { top: 20px; left: 20px; } }
@media (prefers-reduced-motion: reduce) {
  .bar-peers, .sharing input::after { transition: none; }
  .diagram .link { animation: none !important; }
}
`;
