// Where the stream key comes from and where it is kept: the URL's fragment, which browsers never
// send to a server, and this tab's session storage. Never the query, which ends up in logs.

const storageKey = 'shoal-stream-key';

export interface Prefill {
  readonly stream: string | null;
  readonly key: string | null;
}

/** `#stream=demo&key=…` as typed values; absent and empty parts are `null`. */
export function parseFragment(fragment: string): Prefill {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  return { stream: fields.get('stream') || null, key: fields.get('key') || null };
}

/** Takes the fragment out of the address bar, so that a shared link or a screenshot has no key. */
export function takePrefill(): Prefill {
  const prefill = parseFragment(location.hash);
  if (prefill.key !== null) history.replaceState(null, '', location.pathname + location.search);
  return { ...prefill, key: prefill.key ?? rememberedKey() };
}

function rememberedKey(): string | null {
  try {
    return sessionStorage.getItem(storageKey);
  } catch {
    // Storage is blocked for this page: the key is typed again.
    return null;
  }
}

export function rememberKey(key: string): void {
  try {
    sessionStorage.setItem(storageKey, key);
  } catch {
    // Blocked or full: the key holds until the page is left.
  }
}
