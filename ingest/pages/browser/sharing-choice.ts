// Remembers per origin that this viewer does not want to share, so that the switch on the watch
// page stays where it was put.

const storageKey = 'shoal-sharing';

/** `true` unless the viewer has switched it off. */
export function isSharingWanted(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off';
  } catch {
    // Storage is blocked for this page: the switch starts at its default each time.
    return true;
  }
}

export function rememberSharing(isWanted: boolean): void {
  try {
    localStorage.setItem(storageKey, isWanted ? 'on' : 'off');
  } catch {
    // Blocked or full: the choice holds until the page is left.
  }
}
