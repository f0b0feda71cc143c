// The look of the control bar. The element adopts this sheet with the controls, beside its own.

export const controlStyles = `
media-controller {
  position: absolute; inset: 0; width: 100%; height: 100%;
  --media-background-color: transparent; --media-control-background: transparent;
  --media-control-hover-background: rgb(255 255 255 / .14);
  --media-primary-color: #fff; --media-secondary-color: transparent; --media-text-color: #fff;
  --media-font-family: inherit; --media-font-size: 13px; --media-font-weight: 600;
  --media-control-height: 20px; --media-control-padding: 10px;
  --media-range-bar-color: var(--accent); --media-range-track-height: 4px; --media-range-track-border-radius: 2px;
  --media-range-thumb-background: #fff; --media-range-thumb-height: 12px; --media-range-thumb-width: 12px; --media-range-thumb-border-radius: 50%;
  --media-range-track-background: rgb(255 255 255 / .34); --media-time-range-buffered-color: rgb(255 255 255 / .4);
  --media-focus-box-shadow: inset 0 0 0 2px #fff, inset 0 0 0 4px #0b1116;
  --media-tooltip-background-color: #0b1116; --media-tooltip-arrow-display: none; --media-tooltip-padding: 2px 9px; --media-tooltip-border-radius: 8px;
  --media-preview-background: #0b1116; --media-box-arrow-display: none; --media-preview-border-radius: 8px;
  --media-preview-thumbnail-max-width: 160px; --media-preview-thumbnail-min-width: 96px;
  --media-menu-background: var(--card); --media-menu-border: 1px solid var(--line); --media-menu-border-radius: 12px;
  --media-menu-item-hover-background: var(--hover); --media-menu-item-max-width: 40cqi; --media-menu-icon-height: 16px;
  --media-loading-indicator-icon-height: 56px;
  border-radius: inherit;
}
media-controller:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
.bar-rows {
  position: relative; z-index: 2; align-self: stretch; display: flex; flex-direction: column; line-height: 1.4;
  padding: 40px 8px 4px; background: linear-gradient(transparent, rgb(4 8 11 / .62) 55%, rgb(4 8 11 / .82));
  pointer-events: none;
}
.bar-rows > * { pointer-events: auto; }
media-time-range { width: 100%; height: 24px; --media-range-padding: 8px; }
media-control-bar { display: flex; align-items: center; width: 100%; }
.bar-space { flex: 1; min-width: 0; pointer-events: none; }
media-control-bar > *, .delivery-button { border-radius: 10px; flex: none; }
media-volume-range { width: 76px; --media-range-padding: 8px; }
media-time-display { font-variant-numeric: tabular-nums; }
media-live-button { padding-inline: 10px; white-space: nowrap; font-variant-numeric: tabular-nums; }
media-live-button [slot="text"] { text-transform: none; }
media-live-button .live-dot { margin-right: 7px; }
media-live-button[data-at-edge] .live-dot { background: #ff4d67; }
.delivery-button { display: inline-flex; width: 40px; height: 40px; padding: 10px; border: 0; background: none; }
.delivery-button:hover { background: rgb(255 255 255 / .14); }
.delivery-button svg { width: 20px; height: 20px; fill: none; stroke: #fff; stroke-width: 1.8; }
.delivery-button[aria-pressed="true"] svg { stroke: #5eead4; }
media-rendition-menu, media-captions-menu {
  position: absolute; z-index: 3; min-width: 128px; color: var(--ink);
  --media-primary-color: var(--ink); --media-text-color: var(--ink); --media-icon-color: var(--ink);
  --media-control-hover-background: var(--hover); --media-focus-box-shadow: inset 0 0 0 2px var(--accent); --media-menu-item-focus-shadow: inset 0 0 0 2px var(--accent);
}

/* What has no use now is not there: seeking without a window, live without live, one quality. */
media-controller:not([data-timeline="dvr"], [data-timeline="recording"]) media-time-range,
media-controller:not([data-timeline="recording"]) media-time-display,
media-controller:not([data-timeline="live"], [data-timeline="dvr"]) media-live-button,
media-control-bar > [mediarenditionunavailable], media-control-bar > [mediapipunavailable],
media-control-bar > [mediafullscreenunavailable], media-control-bar > [mediavolumeunavailable],
media-captions-menu-button:not([mediasubtitleslist]),
media-controller:not([data-state="active"]) media-loading-indicator { display: none; }
media-controller:is([data-state="waiting"], [data-state="failed"]) media-control-bar > :not(media-fullscreen-button, .bar-space),
media-controller:is([data-state="waiting"], [data-state="failed"]) media-time-range { display: none; }
media-controller:is([data-state="waiting"], [data-state="failed"]) media-fullscreen-button { --media-primary-color: var(--panel-ink); }
media-controller:is([data-state="waiting"], [data-state="failed"], [data-state="ended"]) .bar-rows { background: none; }

@container (max-width: 520px) { media-volume-range { display: none; } }
@container (max-width: 380px) {
  media-pip-button, media-time-display { display: none; }
  media-controller { --media-control-padding: 8px; --media-control-height: 18px; }
  .delivery-button { width: 34px; height: 34px; padding: 8px; }
  .delivery-button svg { width: 18px; height: 18px; }
  .bar-rows { padding-inline: 4px; }
}
@media (prefers-reduced-motion: reduce) {
  media-controller { --media-control-transition-in: none; --media-control-transition-out: none; --media-menu-transition-in: opacity .01s; --media-menu-transition-out: opacity .01s; --media-preview-transition-property: none; }
}
`;
