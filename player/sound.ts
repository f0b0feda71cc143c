// The entry of `shoal-sound.js`, which the builds that are one file load for an hls.js that plays no sound
// apart from the pictures.

export { soundJoiner } from './delivery/joined-sound/sound-joiner.ts';
