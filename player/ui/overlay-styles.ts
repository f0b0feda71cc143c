// The look of the statistics overlay: a small card over the picture that shrinks with it.
// `shoal-player.ts` adopts it beside the player's own sheet.

export const overlayStyles = `
.overlay {
  position: absolute; top: 12px; left: 12px; width: min(296px, calc(100% - 24px)); padding: 14px 16px;
  border: 1px solid var(--line); border-radius: 16px; background: var(--glass); backdrop-filter: blur(14px);
  font-size: 13px; font-variant-numeric: tabular-nums; box-shadow: 0 10px 40px rgb(0 0 0 / .35);
}
.overlay header { display: flex; align-items: baseline; gap: 8px; margin-bottom: 10px; }
.overlay-share { font-size: 28px; line-height: 1; font-weight: 680; letter-spacing: -.02em; color: #5eead4; }
.overlay-caption { flex: 1; color: var(--soft); }
.overlay-close {
  align-self: flex-start; width: 26px; height: 26px; margin: -4px -6px 0 0; border: 0; border-radius: 50%;
  background: none; color: var(--soft); font-size: 18px; line-height: 1;
}
.overlay-close:hover { background: rgb(255 255 255 / .12); color: var(--ink); }
.bar { position: relative; height: 8px; border-radius: 4px; overflow: hidden; background: #7c8c96; }
.bar[data-empty] { background: rgb(255 255 255 / .16); }
.bar-peers {
  position: absolute; inset: 0; background: var(--accent); transform-origin: left;
  transform: scaleX(var(--share, 0)); transition: transform .6s ease;
}
.legend { display: flex; justify-content: space-between; gap: 12px; margin: 8px 0 12px; }
.legend-entry { display: flex; white-space: nowrap; align-items: baseline; gap: 6px; color: var(--soft); }
.legend-entry::before { content: ""; width: 8px; height: 8px; border-radius: 2px; background: #7c8c96; }
.legend-peers::before { background: var(--accent); }
.legend-entry .amount { color: var(--ink); font-weight: 600; }
.figures {
  display: grid; grid-template-columns: 1fr 1fr; gap: 5px 18px; margin: 0; padding-top: 11px;
  border-top: 1px solid var(--line);
}
.figures div { display: flex; justify-content: space-between; gap: 8px; }
.figures dt { color: var(--soft); white-space: nowrap; }
.figures dd { margin: 0; font-weight: 600; white-space: nowrap; }
/* Nothing is delivered before a broadcast has begun: one message at a time. */
.notice[data-kind="waiting"]:not([hidden]) ~ .overlay { display: none; }
@container (max-width: 560px) {
  .consent:not([hidden]) ~ .overlay, .notice[data-form="panel"]:not([hidden]) ~ .overlay { display: none; }
  .overlay { top: 8px; left: 8px; width: min(196px, calc(100% - 16px)); padding: 9px 11px; border-radius: 12px; font-size: 11.5px; }
  .overlay header { margin-bottom: 7px; gap: 6px; }
  .overlay-share { font-size: 19px; }
  .legend { margin: 6px 0 0; }
  .legend-entry > span:first-child { display: none; }
  .figures { display: none; }
}
@container (min-width: 1100px) {
  .overlay { top: 20px; left: 20px; }
  .live-badge { top: 20px; right: 20px; }
}
@media (prefers-reduced-motion: reduce) { .bar-peers { transition: none; } }
`;
