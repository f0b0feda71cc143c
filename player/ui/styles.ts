// The look of the player's shadow tree: frame, notices, buttons, badge and question. The overlay
// has its own sheet; `shoal-player.ts` adopts both.

export const playerStyles = `
:host {
  --accent: #14b8a6; --accent-ink: #04211e; --glass: rgb(10 16 22 / .84); --line: rgb(255 255 255 / .14);
  --ink: #f2f7f8; --soft: #b4c3ca;
  display: block; position: relative; aspect-ratio: 16 / 9; overflow: hidden; background: #070b0f;
  color: var(--ink); container-type: inline-size; color-scheme: dark;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
p { margin: 0; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; background: inherit; }
video:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
button { font: inherit; color: inherit; cursor: pointer; }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }

.button {
  min-height: 40px; padding: 0 18px; border-radius: 999px; border: 1px solid var(--line);
  background: rgb(255 255 255 / .08); font-weight: 600; white-space: nowrap;
}
.button:hover { background: rgb(255 255 255 / .16); }
.button-primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.button-primary:hover { background: #2dd4bf; }

.notice { position: absolute; display: flex; align-items: center; }
.notice[data-form="pill"] {
  left: 50%; top: 50%; transform: translate(-50%, -50%); gap: 10px; max-width: calc(100% - 24px);
  padding: 9px 18px; border-radius: 999px; background: var(--glass); backdrop-filter: blur(10px);
  pointer-events: none;
}
.notice[data-form="panel"] {
  inset: 0; flex-direction: column; justify-content: center; gap: 16px; padding: 20px; text-align: center;
  background: radial-gradient(circle at 50% 40%, #12242b, #070b0f);
}
.notice[data-kind="ended"] { background: rgb(7 11 15 / .86); }
.notice-title { font-weight: 600; }
.notice[data-form="panel"] .notice-title { font-size: clamp(17px, 3.2cqi, 24px); letter-spacing: -.01em; text-wrap: balance; }
.notice-detail { margin-top: 4px; color: var(--soft); text-wrap: balance; }
.notice-mark { display: none; flex: none; width: 16px; height: 16px; border-radius: 50%; }
.notice[data-busy] .notice-mark {
  display: block; border: 2px solid rgb(255 255 255 / .22); border-top-color: var(--accent);
  animation: turn .9s linear infinite;
}
.notice[data-form="panel"] .notice-mark { width: 26px; height: 26px; border-width: 3px; }
@keyframes turn { to { transform: rotate(1turn); } }

.tap {
  position: absolute; left: 50%; bottom: clamp(12px, 5cqi, 48px); transform: translateX(-50%); min-height: 44px; padding: 0 22px;
  border: 0; border-radius: 999px; background: var(--ink); color: #0a1016; font-weight: 600;
  box-shadow: 0 6px 24px rgb(0 0 0 / .45); white-space: nowrap;
}
:host([controls]) .tap { bottom: 84px; }
.tap[data-mode="play"], :host([controls]) .tap[data-mode="play"] { bottom: auto; top: 50%; transform: translate(-50%, -50%); }

.live-badge {
  position: absolute; top: 12px; right: 12px; display: flex; align-items: center; gap: 7px; min-height: 30px;
  padding: 0 12px; border: 1px solid var(--line); border-radius: 999px; background: var(--glass);
  backdrop-filter: blur(10px); font-size: 13px; font-weight: 600; font-variant-numeric: tabular-nums;
}
.live-dot { width: 8px; height: 8px; border-radius: 50%; background: #8b9aa3; }
.live-badge[data-at-edge] .live-dot { background: #f43f5e; }

.consent {
  position: absolute; z-index: 1; left: 12px; right: 12px; bottom: 12px; display: flex; align-items: center; gap: 14px 24px;
  max-width: 720px; margin: 0 auto; padding: 16px 18px; border: 1px solid var(--line); border-radius: 16px;
  background: rgb(10 16 22 / .92); backdrop-filter: blur(14px); box-shadow: 0 10px 40px rgb(0 0 0 / .5);
}
.consent-title { font-weight: 650; font-size: 15px; }
.consent-detail { margin-top: 2px; font-size: 13px; color: var(--soft); }
.consent-answers { display: flex; gap: 8px; flex: none; }
:host([controls]) .consent { bottom: 64px; }
@container (max-width: 560px) {
  .consent { flex-direction: column; align-items: stretch; padding: 12px 14px; gap: 10px; max-height: calc(100% - 24px); overflow: auto; }
  :host([controls]) .consent { bottom: 12px; }
  .consent-detail { font-size: 12px; line-height: 1.35; }
  .consent-answers .button { flex: 1; min-height: 36px; }
}
@media (prefers-reduced-motion: reduce) {
  .notice[data-busy] .notice-mark { animation-duration: 4s; }
}
`;
