// Stands around the playlist loader of hls.js: a rendition that ends while the stream goes on (its
// encoder was too slow for it) must not end playback, `level-ends.ts` then steps down; and a level whose
// sound hls.js cannot play gets it from `joined-sound.ts`.

import type {
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  PlaylistLoaderConstructor,
  PlaylistLoaderContext,
} from 'hls.js';
import type { JoinedSound } from './joined-sound.ts';
import { hasEnd, questionUrl, streamBeyond, withoutEnd } from './playlist-end.ts';
import { loadPlaylistText } from './playlist-text.ts';

/** What the loader needs to know of hls.js, and tells it. */
export interface RenditionEnds {
  /** Whether a playlist of this stream has been live: the end of a recording needs no question. */
  readonly hasBeenLive: boolean;
  /** Playlists of the renditions below this one, the next one first. */
  below(url: string): readonly string[];
  /** The rendition has ended for good, and another one goes on. */
  onShed(url: string, goesOnUrl: string): void;
}

/** A copy in a cache may be older than the end: it is asked for so often, at this distance. */
const questions = 3;
const betweenQuestionsMs = 1_000;

function isLevel({ type }: PlaylistLoaderContext): boolean {
  return String(type) === 'level';
}

/**
 * The class to pass to hls.js as `pLoader`.
 * @param BaseLoader what really loads
 */
export function makeEndCheckingLoader(
  BaseLoader: PlaylistLoaderConstructor,
  ends: RenditionEnds,
  joinedSound: Pick<JoinedSound, 'trackOf' | 'loadJoiner'>,
): PlaylistLoaderConstructor {
  return class extends BaseLoader {
    readonly #config: HlsConfig;
    #soundLoader: Loader<PlaylistLoaderContext> | null = null;
    #isOver = false;

    constructor(config: HlsConfig) {
      super(config);
      this.#config = config;
    }

    override load(
      context: PlaylistLoaderContext,
      configuration: LoaderConfiguration,
      callbacks: LoaderCallbacks<PlaylistLoaderContext>,
    ): void {
      const url = isLevel(context) ? joinedSound.trackOf(context.url)?.url : null;
      if (!url) {
        this.#load(context, configuration, callbacks);
        return;
      }
      const loader = new BaseLoader(this.#config);
      this.#soundLoader = loader;
      void joinedSound.loadJoiner().then((joiner) => {
        if (this.#isOver) return;
        const isOver = (): boolean => this.#isOver;
        const load = { context, configuration, callbacks, isOver };
        const joined = joiner?.joinedLoad({ url, loader }, load) ?? callbacks;
        this.#load(context, configuration, joined);
      });
    }

    #load(
      context: PlaylistLoaderContext,
      configuration: LoaderConfiguration,
      callbacks: LoaderCallbacks<PlaylistLoaderContext>,
    ): void {
      const onSuccess: typeof callbacks.onSuccess = (response, stats, loaded, network) => {
        const text = response.data;
        const pass = (data = text) =>
          callbacks.onSuccess({ ...response, ...(data && { data }) }, stats, loaded, network);
        if (!isLevel(context) || typeof text !== 'string' || !hasEnd(text) || !ends.hasBeenLive) {
          pass();
          return;
        }
        // What cannot be had says nothing: then the end is believed, as hls.js would.
        const load = async (url: string): Promise<string | null> => {
          const loader = new BaseLoader(this.#config);
          return (await loadPlaylistText(loader, { ...context, url }, configuration))?.text ?? null;
        };
        void goesOnAt(text, ends.below(context.url), load).then((url) => {
          // hls.js may have given it up meanwhile, or loads another level.
          if (this.#isOver) return;
          pass(url === null ? text : withoutEnd(text));
          if (url !== null) ends.onShed(context.url, url);
        });
      };
      super.load(context, configuration, { ...callbacks, onSuccess });
    }

    override abort(): void {
      this.#end();
      super.abort();
    }

    override destroy(): void {
      this.#end();
      super.destroy();
    }

    #end(): void {
      this.#isOver = true;
      this.#soundLoader?.destroy();
    }
  };
}

/** The first of `urls` whose playlist has more than the ended one; `null` when the stream is over. */
async function goesOnAt(
  ended: string,
  urls: readonly string[],
  load: (url: string) => Promise<string | null>,
): Promise<string | null> {
  for (const url of urls) {
    for (let asked = 0; asked < questions; asked += 1) {
      if (asked > 0) await new Promise((resolve) => setTimeout(resolve, betweenQuestionsMs));
      const other = await load(questionUrl(url, ended));
      const verdict = other === null ? 'ended' : streamBeyond(ended, other);
      if (verdict === 'goes-on') return url;
      if (verdict === 'ended') break;
    }
  }
  return null;
}
