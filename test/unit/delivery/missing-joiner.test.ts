// What a player without sound of its own does when what joins it cannot be loaded: end-checking-loader
// loads the pictures alone.

import type {
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
  PlaylistLoaderContext,
} from 'hls.js';
import Hls from 'hls.js';
import { expect, it } from 'vitest';
import { makeEndCheckingLoader } from '../../../player/delivery/hls/end-checking-loader.ts';

it('plays the pictures without sound', async () => {
  const asked: string[] = [];
  class Base extends Hls.DefaultConfig.loader {
    override load(
      context: PlaylistLoaderContext,
      _configuration: LoaderConfiguration,
      callbacks: LoaderCallbacks<PlaylistLoaderContext>,
    ): void {
      asked.push(context.url);
      callbacks.onSuccess({ url: context.url, data: '#EXTM3U' }, this.stats, context, null);
    }
  }
  const ends = { hasBeenLive: false, below: () => [], onShed: () => undefined };
  const sound = { trackOf: () => ({ url: '/audio.m3u8' }), loadJoiner: async () => null };
  const Loader = makeEndCheckingLoader(Base as never, ends as never, sound as never);
  const text = await new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error('not loaded'));
    new Loader(Hls.DefaultConfig as HlsConfig).load(
      { url: '/360p.m3u8', type: 'level' } as never,
      Hls.DefaultConfig.playlistLoadPolicy as never,
      {
        onSuccess: ({ data }) => resolve(data),
        ...{ onError: fail, onTimeout: fail },
      },
    );
  });
  expect(text).toBe('#EXTM3U');
  expect(asked).toEqual(['/360p.m3u8']);
});
