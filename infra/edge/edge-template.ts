// Fills in the edge's nginx template: which words it has and what they become on one machine. Pure;
// nginx-edge.ts runs the result, tests check that containers fill in the same words.

export interface EdgeSettings {
  readonly port: number;
  readonly trackerPort: number;
  /** `host:port` of every ingest, and of every tracker. */
  readonly ingests: readonly string[];
  readonly trackers: readonly string[];
  readonly cacheDirectory: string;
  /** In nginx's own units, as `10g`. */
  readonly cacheSize: string;
  readonly accessLog: string;
  /** HTTP/2 needs TLS; `null` serves plain HTTP/1.1 alone. */
  readonly tls: EdgeTls | null;
}

export interface EdgeTls {
  readonly port: number;
  readonly trackerPort: number;
  readonly certificateFile: string;
  readonly keyFile: string;
}

const wordPattern = /\$\{(EDGE_[A-Z_]+)\}/g;

/** A server that has failed is left alone for two seconds, then tried again. */
function serverLines(addresses: readonly string[]): string {
  return addresses
    .map((address) => `server ${address} max_fails=1 fail_timeout=2s;`)
    .join('\n    ');
}

function tlsLines({ certificateFile, keyFile }: EdgeTls, port: number): string {
  return [
    `listen ${port} ssl http2 backlog=4096;`,
    `ssl_certificate ${certificateFile};`,
    `ssl_certificate_key ${keyFile};`,
    'ssl_protocols TLSv1.2 TLSv1.3;',
    'ssl_session_cache shared:shoal_tls:10m;',
  ].join('\n    ');
}

/** The words of the template and what they stand for. */
export function edgeWords(settings: EdgeSettings): Readonly<Record<string, string>> {
  const { tls } = settings;
  return {
    EDGE_PORT: String(settings.port),
    EDGE_TRACKER_PORT: String(settings.trackerPort),
    EDGE_INGESTS: serverLines(settings.ingests),
    EDGE_TRACKERS: serverLines(settings.trackers),
    EDGE_CACHE_DIR: settings.cacheDirectory,
    EDGE_CACHE_SIZE: settings.cacheSize,
    EDGE_ACCESS_LOG: settings.accessLog,
    EDGE_TLS: tls === null ? '' : tlsLines(tls, tls.port),
    EDGE_TRACKER_TLS: tls === null ? '' : tlsLines(tls, tls.trackerPort),
  };
}

/** The words that a template uses, sorted. */
export function wordsIn(template: string): readonly string[] {
  return [...new Set([...template.matchAll(wordPattern)].map(([, word = '']) => word))].toSorted();
}

/** @throws RangeError for a word that has no value */
export function fillTemplate(template: string, words: Readonly<Record<string, string>>): string {
  return template.replaceAll(wordPattern, (_, word: string) => {
    const value = words[word];
    if (value === undefined) throw new RangeError(`the template's ${word} has no value`);
    return value;
  });
}
