// Makes requests for media as the page's hls.js would: with what `xhrSetup` or `fetchSetup` of its
// configuration add, such as credentials, headers or another URL. Below cdn-fetch, for each attempt.

import type { HlsConfig, LoaderContext } from 'hls.js';
import type { FetchUrl } from '../cdn/cdn-fetch.ts';

export type PageRequestSetup = Partial<Pick<HlsConfig, 'xhrSetup' | 'fetchSetup'>>;

/** What `xhrSetup` did to its request, which is never sent. */
interface RecordedRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly withCredentials: boolean;
}

/** hls.js's enum without hls.js, which belongs to the page. */
const mediaFragmentType = 'media-fragment' as LoaderContext['type'];

const contextOf = (url: string): LoaderContext => ({
  url,
  responseType: 'arraybuffer',
  type: mediaFragmentType,
});

async function recordXhrSetup(
  xhrSetup: NonNullable<PageRequestSetup['xhrSetup']>,
  url: string,
): Promise<RecordedRequest> {
  let openedUrl = url;
  const headers = new Headers();
  // Made here: where there is no XMLHttpRequest, as on a server, nobody asks for one.
  const request = new (class extends XMLHttpRequest {
    override open(_method: string, target: string | URL): void {
      openedUrl = String(target);
    }

    override setRequestHeader(name: string, value: string): void {
      headers.append(name, value);
    }
  })();
  await xhrSetup(request, url, contextOf(url));
  return { url: openedUrl, headers, withCredentials: request.withCredentials };
}

/** As hls.js hands them to `fetchSetup`, which may change the headers in place. */
function fetchParameters(init: RequestInit): RequestInit {
  return {
    method: 'GET',
    mode: 'cors',
    credentials: 'same-origin',
    ...init,
    headers: new Headers(init.headers),
  };
}

/**
 * `fetch` below delivery. What delivery itself asks for, as a `Range`, goes before what the page sets.
 * @param setup read at each request: pages may change hls.js's configuration
 */
export function makePageFetch(setup: () => PageRequestSetup): FetchUrl {
  return async (url, init = {}) => {
    const { xhrSetup, fetchSetup } = setup();
    if (fetchSetup) {
      return globalThis.fetch(await fetchSetup(contextOf(url), fetchParameters(init)));
    }
    if (!xhrSetup) return globalThis.fetch(url, init);
    const recorded = await recordXhrSetup(xhrSetup, url);
    const { headers } = recorded;
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    const credentials = recorded.withCredentials ? { credentials: 'include' as const } : {};
    return globalThis.fetch(recorded.url, { ...init, ...credentials, headers });
  };
}
