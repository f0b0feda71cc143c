// The look of the player's shadow tree: frame, notices, buttons and question. The overlay and the
// controls have their own sheets; the tree adopts them.

export const playerStyles = `
:host {
  --accent: #14b8a6; --accent-ink: #04211e;
  --card: rgb(13 20 26 / .98); --ink: #f2f7f8; --soft: #b4c3ca; --line: rgb(255 255 255 / .16); --hover: rgb(255 255 255 / .12);
  --figure: #5eead4; --rest: #7c8c96; --panel: radial-gradient(circle at 50% 40%, #12242b, #070b0f); --panel-ink: #fff;
  display: block; position: relative; aspect-ratio: 16 / 9; overflow: hidden; background: #070b0f;
  color: var(--ink); container-type: inline-size; color-scheme: light dark;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
@media (prefers-color-scheme: light) {
  :host {
    --card: rgb(255 255 255 / .98); --ink: #0d1a20; --soft: #46575f; --line: rgb(13 26 32 / .16); --hover: rgb(13 26 32 / .08);
    --figure: #0f766e; --rest: #8d9ca4; --panel: radial-gradient(circle at 50% 40%, #ffffff, #dfe9ec); --panel-ink: #0d1a20;
  }
  :host([poster]) { --panel-ink: #fff; }
}
:host([hidden]), [hidden] { display: none !important; }
:host(:fullscreen) { aspect-ratio: auto; width: 100%; height: 100%; border-radius: 0; }
* { box-sizing: border-box; }
p { margin: 0; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; background: inherit; }
video:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
button { font: inherit; color: inherit; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }

.button {
  min-height: 40px; padding: 0 18px; border-radius: 999px; border: 1px solid var(--line);
  background: var(--hover); font-weight: 600; white-space: nowrap;
}
.button:hover { border-color: var(--soft); }
.button-primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.button-primary:hover { background: #2dd4bf; }

.notice { position: absolute; z-index: 1; display: flex; align-items: center; pointer-events: none; }
.notice .button { pointer-events: auto; }
.notice[data-form="pill"] {
  left: 50%; top: 50%; transform: translate(-50%, -50%); gap: 10px; width: max-content; max-width: calc(100% - 24px);
  padding: 9px 18px; border-radius: 18px; background: var(--card); box-shadow: 0 6px 24px rgb(0 0 0 / .35);
}
.notice[data-form="panel"] {
  inset: 0; flex-direction: column; justify-content: center; gap: 16px; padding: 20px; text-align: center;
  background: var(--panel);
}
:host([poster]) .notice[data-form="panel"], .notice[data-kind="ended"] { background: rgb(7 11 15 / .78); --ink: #f2f7f8; --soft: #c6d2d8; color: var(--ink); }
.notice-title { font-weight: 600; }
.notice[data-form="panel"] .notice-title { font-size: clamp(16px, 3.2cqi, 24px); letter-spacing: -.01em; text-wrap: balance; }
.notice-detail { margin-top: 4px; color: var(--soft); text-wrap: balance; }
.notice[data-form="pill"] .notice-detail { margin-top: 0; font-size: 13px; }
.notice-mark { display: none; flex: none; width: 16px; height: 16px; border-radius: 50%; }
.notice[data-busy] .notice-mark {
  display: block; border: 2px solid var(--line); border-top-color: var(--accent);
  animation: turn .9s linear infinite;
}
.notice[data-form="panel"] .notice-mark { width: 26px; height: 26px; border-width: 3px; }
@keyframes turn { to { transform: rotate(1turn); } }

.tap {
  position: absolute; z-index: 2; left: 50%; bottom: clamp(12px, 5cqi, 48px); transform: translateX(-50%); min-height: 44px; padding: 0 22px;
  border: 0; border-radius: 999px; background: #f2f7f8; color: #0a1016; font-weight: 600;
  box-shadow: 0 6px 24px rgb(0 0 0 / .45); white-space: nowrap;
}
:host([controls]) .tap { left: auto; right: 14px; transform: none; bottom: 84px; }
.consent:not([hidden]) ~ .tap { display: none; }
.tap[data-mode="play"], :host([controls]) .tap[data-mode="play"] { left: 50%; right: auto; bottom: auto; top: 50%; transform: translate(-50%, -50%); }

.live-dot { display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: #9aa8b0; }

.consent {
  position: absolute; z-index: 4; left: 12px; right: 12px; bottom: 12px; display: flex; align-items: center; gap: 14px 24px;
  max-width: 720px; margin: 0 auto; padding: 16px 18px; border: 1px solid var(--line); border-radius: 16px;
  background: var(--card); box-shadow: 0 10px 40px rgb(0 0 0 / .4);
}
.consent-title { font-weight: 650; font-size: 15px; }
.consent-detail { margin-top: 2px; font-size: 13px; color: var(--soft); }
.consent-answers { display: flex; gap: 8px; flex: none; }
:host([controls]) .consent { bottom: 84px; }
@container (max-width: 560px) {
  .consent, :host([controls]) .consent { flex-direction: column; align-items: stretch; left: 8px; right: 8px; bottom: 8px; padding: 12px 14px; gap: 10px; max-height: calc(100% - 16px); }
  .consent-detail { font-size: 12px; line-height: 1.35; }
  .consent-answers .button { flex: 1; min-height: 36px; padding: 0 10px; }
  .consent > :first-child { flex: 0 1 auto; min-height: 0; overflow: auto; }
  .tap { min-height: 40px; padding: 0 18px; }
  :host([controls]) .tap { left: 8px; right: auto; top: 8px; bottom: auto; }
  .notice[data-form="panel"] { gap: 10px; padding: 12px; }
}
@container (max-width: 300px) {
  .consent, :host([controls]) .consent { left: 0; right: 0; top: 0; bottom: 0; max-height: none; padding: 7px 10px; gap: 5px; border: 0; border-radius: 0; }
  .consent-answers .button { min-height: 30px; }
  .consent-title { font-size: 12.5px; line-height: 1.25; }
  .consent-detail { font-size: 10.5px; line-height: 1.22; margin-top: 0; }
  .notice[data-form="panel"] { gap: 6px; padding: 8px 10px 26px; }
  .notice[data-form="panel"] .notice-title { font-size: 14px; line-height: 1.25; }
  .notice[data-form="panel"] .notice-mark { width: 18px; height: 18px; }
  .notice .button { min-height: 32px; padding: 0 14px; }
  .notice-detail { font-size: 12px; }
}
@media (prefers-reduced-motion: reduce) {
  .notice[data-busy] .notice-mark { animation-duration: 4s; }
}
`;
