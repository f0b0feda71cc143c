// Remembers, per origin of the page, whether this viewer agreed to share segments.
// The element asks it before it asks the viewer.

export type PeerConsent = 'allowed' | 'refused';

const storageKey = 'shoal-peer-consent';

/** The answer given before, or `null`: never asked, or the browser keeps nothing. */
export function rememberedConsent(): PeerConsent | null {
  try {
    const value = localStorage.getItem(storageKey);
    return value === 'allowed' || value === 'refused' ? value : null;
  } catch {
    // Storage is blocked for this page (SecurityError): ask again each time.
    return null;
  }
}

/** Keeps the answer; where the browser keeps nothing, it holds for this page only. */
export function rememberConsent(consent: PeerConsent): void {
  try {
    localStorage.setItem(storageKey, consent);
  } catch {
    // Blocked or full: the question comes back on the next page, which is the safe side.
  }
}
