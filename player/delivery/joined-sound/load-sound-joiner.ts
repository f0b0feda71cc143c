// Loads what joins sound to pictures, where it is needed. The builds that are one file have no late parts:
// `linked-sound-joiner.ts` stands in for this file there.

import type { SoundJoiner } from './sound-joiner.ts';

export async function loadSoundJoiner(): Promise<SoundJoiner> {
  return (await import('./sound-joiner.ts')).soundJoiner;
}
