// Starts a video within the browser's autoplay policy: with sound if it may, else muted, else it
// says that a tap is needed. The element shows the button for what came out.

/** `interrupted`: another load or a pause came in between; there is nothing to show. */
export type AutoplayOutcome = 'playing' | 'playing-muted' | 'tap-needed' | 'interrupted';

/** Resolves when playback has begun or was refused; never rejects. */
export async function startWithinPolicy(video: HTMLVideoElement): Promise<AutoplayOutcome> {
  const first = await tryToPlay(video);
  if (first === 'playing') return video.muted ? 'playing-muted' : 'playing';
  if (first === 'interrupted' || video.muted) return first;
  video.muted = true;
  const second = await tryToPlay(video);
  if (second === 'playing') return 'playing-muted';
  // The sound was not the reason: leave it as the page wanted it.
  video.muted = false;
  return second;
}

async function tryToPlay(video: HTMLVideoElement): Promise<AutoplayOutcome> {
  try {
    await video.play();
    return 'playing';
  } catch (cause) {
    const isRefused = cause instanceof DOMException && cause.name === 'NotAllowedError';
    return isRefused ? 'tap-needed' : 'interrupted';
  }
}
