// Stands in for `load-sound-joiner.ts` in builds that are one file: it loads `shoal-sound.js` from where
// that file came from.

import { scriptUrl } from '../script-url.ts';
import type { SoundJoiner } from './sound-joiner.ts';

const fileName = 'shoal-sound.js';

export async function loadSoundJoiner(): Promise<SoundJoiner> {
  const url = new URL(fileName, scriptUrl).href;
  return (await import(/* @vite-ignore */ url)).soundJoiner;
}
