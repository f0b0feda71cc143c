// How often the picture of a page stood still for want of media. A machine that is too busy to show what
// is there is no stall of delivery, and the tests' machines are busy now and then.

/** Counts from now on, once a video, in `data-starved-count`. Self-contained: it is sent into pages. */
export function countStarving(video: Element): void {
  if (!(video instanceof HTMLVideoElement) || video.hasAttribute('data-starved-count')) return;
  // Less than this may be a hole, or the last frames of what has come.
  const leastBufferedSeconds = 0.5;
  let count = 0;
  video.setAttribute('data-starved-count', '0');
  video.addEventListener('waiting', () => {
    const { buffered, currentTime } = video;
    let aheadSeconds = 0;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime + 0.1)
        aheadSeconds = Math.max(aheadSeconds, buffered.end(index) - currentTime);
    }
    if (video.seeking || aheadSeconds >= leastBufferedSeconds) return;
    count += 1;
    video.setAttribute('data-starved-count', String(count));
  });
}
