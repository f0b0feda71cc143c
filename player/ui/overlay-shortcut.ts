// The `s` key over or inside a player shows and hides its statistics. Listens on the document,
// because a pointer over the picture does not give it the focus.

const key = 's';

/** Whether a key press was meant for text rather than for the player. */
function isTyping(target: EventTarget | undefined): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select'))
  );
}

/** Calls `onToggle` until `signal` aborts. */
export function listenForOverlayKey(
  player: HTMLElement,
  onToggle: () => void,
  signal: AbortSignal,
): void {
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.key.toLowerCase() !== key || event.repeat) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      // The composed path sees through shadow trees, where `target` is only their host.
      if (event.defaultPrevented || isTyping(event.composedPath()[0])) return;
      if (!player.matches(':hover') && !player.matches(':focus-within')) return;
      onToggle();
    },
    { signal },
  );
}
