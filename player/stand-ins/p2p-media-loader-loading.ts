// Stands in for what p2p-media-loader's core would load and keep segments with by itself: it is given
// no HTTP downloads and a storage of ours (delivery/exchange), and neither is ever made.

class Missing {
  constructor() {
    throw new Error('This is not in this build.');
  }
}

export { Missing as HttpRequestExecutor, Missing as SegmentMemoryStorage };
