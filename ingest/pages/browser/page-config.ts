// What the server tells a page: the stream it shows and where tracker and dashboard are.
// Read once by each page from the element that the server puts in place of `<!--shoal-config-->`.

export interface PageConfig {
  readonly stream: string;
  /** WebSocket URL of the tracker, `null` when there is none: then the CDN delivers everything. */
  readonly tracker: string | null;
  readonly dashboard: string | null;
  /** Where a viewer of this stream gets its token; `null` where nobody gives any away. */
  readonly tokenUrl: string | null;
  /** Public key of the origin, for snippets; `null` where the server told none. */
  readonly integrityKey: string | null;
}

const elementId = 'shoal-config';
const defaultStream = 'demo';

/** The settings of a page; what is absent or of the wrong type gets its default. */
export function parsePageConfig(json: string): PageConfig {
  const value: unknown = JSON.parse(json);
  const text = (name: string): string | null => {
    if (typeof value !== 'object' || value === null) return null;
    const field: unknown = Reflect.get(value, name);
    return typeof field === 'string' && field !== '' ? field : null;
  };
  return {
    stream: text('stream') ?? defaultStream,
    tracker: text('tracker'),
    dashboard: text('dashboard'),
    tokenUrl: text('tokenUrl'),
    integrityKey: text('integrityKey'),
  };
}

/** The settings of this page; the defaults where the server put none. */
export function readPageConfig(): PageConfig {
  return parsePageConfig(document.getElementById(elementId)?.textContent || '{}');
}

/** Points every `[data-link]` of the page to its target; links without one stay hidden. */
export function fillLinks(targets: Readonly<Record<string, string | null>>): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-link]')) {
    const target = targets[link.dataset.link ?? ''] ?? null;
    link.hidden = target === null;
    if (target !== null) link.href = target;
  }
}
