// Which errors the guard takes for the CDN’s, by the names that hls.js gives them.

import { ErrorDetails } from 'hls.js';
import { expect, it } from 'vitest';
import { isPlaylistTrouble } from '../../../player/guard/playlist-trouble.ts';

it('takes the errors of playlists for the CDN’s, and no others', () => {
  const details = Object.values(ErrorDetails).filter(isPlaylistTrouble);
  expect(details.sort()).toEqual([
    'audioTrackLoadError',
    'audioTrackLoadTimeOut',
    'levelEmptyError',
    'levelLoadError',
    'levelLoadTimeOut',
    'levelParsingError',
    'manifestLoadError',
    'manifestLoadTimeOut',
    'manifestParsingError',
    'playlistUnchangedError',
  ]);
});
