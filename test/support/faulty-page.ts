// The page that plays a faulty broadcast, by plain hls.js or through Shoal, recovers as hls.js's
// guide says, and watches the picture itself: how long it starved. One script for both kinds.

/** What a page knows of its playback; the test reads it through the browser. */
export interface WatchedPlayback {
  /** Seconds for which the picture stood still for want of media, since the last reset. */
  starvedSeconds: number;
  positionSeconds: number;
  /** Errors and rejections that nobody handled. */
  readonly problems: string[];
  readonly peerCount: number;
  readonly peerBytes: number;
  readonly cdnBytes: number;
  readonly discardedBytes: number;
  readonly stallCount: number;
  /** Behind the live edge, as hls.js counts; `null` before it plays. */
  readonly latencySeconds: number | null;
  /** Connections to other viewers that are open now, and sockets to trackers. */
  readonly openConnections: number;
}

export type PlaybackKind = 'plain' | 'shoal';

/** `?kind=…&broadcast=…&tracker=…&clockOffsetMs=…&shoal={…}&source=…&mark=…` */
export const faultyPage = `<!doctype html>
<title>faults</title>
<video muted playsinline style="width: 160px"></video>
<script>
  const parameters = new URLSearchParams(location.search);
  const offsetMs = Number(parameters.get('clockOffsetMs') ?? 0);
  if (offsetMs !== 0) {
    const RealDate = Date;
    window.Date = class extends RealDate {
      constructor(...given) {
        if (given.length === 0) super(RealDate.now() + offsetMs);
        else super(...given);
      }
      static now() { return RealDate.now() + offsetMs; }
    };
  }
  // The guard waits for minutes: a test lets them pass at once.
  const realNow = performance.now.bind(performance);
  let passedMs = 0;
  performance.now = () => realNow() + passedMs;
  window.passTime = (byMs) => {
    passedMs += byMs;
  };
  const problems = [];
  addEventListener('error', (event) => problems.push(String(event.message)));
  addEventListener('unhandledrejection', (event) => problems.push('rejected: ' + event.reason));
  const connections = new Set();
  for (const name of ['RTCPeerConnection', 'WebSocket']) {
    window[name] = class extends window[name] {
      constructor(...given) {
        super(...given);
        connections.add(this);
      }
    };
  }
  // Looks for bytes that must not come near the media buffer.
  const appended = { appended: 0, marked: 0 };
  const mark = parameters.get('mark');
  if (mark) {
    const original = SourceBuffer.prototype.appendBuffer;
    SourceBuffer.prototype.appendBuffer = function (data) {
      appended.appended += 1;
      if (new TextDecoder('latin1').decode(data).includes(mark)) appended.marked += 1;
      original.call(this, data);
    };
  }
  const isOpen = (each) =>
    each instanceof RTCPeerConnection ? each.connectionState !== 'closed' : each.readyState <= 1;
</script>
<script src="/player/shoal.js"></script>
<script>
  const video = document.querySelector('video');
  const { Hls, createShoalHls } = Shoal;
  let hls = null;
  const guardChanges = [];
  function open() {
    const shoal = {
      tracker: parameters.get('tracker') ?? undefined,
      telemetry: 'off',
      ...JSON.parse(parameters.get('shoal') ?? '{}'),
    };
    hls = parameters.get('kind') === 'shoal' ? createShoalHls(Hls, { shoal }) : new Hls();
    hls.shoal?.on('shoal-guard', ({ level, reason }) => guardChanges.push({ level, reason }));
    const opened = hls;
    const again = (action) => setTimeout(() => opened === hls && action(), 1_000);
    hls.on(Hls.Events.MANIFEST_PARSED, () => video.play().catch(() => {}));
    hls.on(Hls.Events.ERROR, (_event, { fatal, type, details }) => {
      if (!fatal) return;
      if (type !== 'networkError') again(() => (opened.recoverMediaError(), video.play()));
      else if (details.startsWith('manifest')) again(() => opened.loadSource(source));
      else again(() => opened.startLoad());
    });
    const source =
      parameters.get('source') ?? '/live/' + parameters.get('broadcast') + '/index.m3u8';
    hls.loadSource(source);
    hls.attachMedia(video);
    return hls;
  }
  let starvedMs = 0, lastPosition = -1, movedAtMs = performance.now(), sampledAtMs = movedAtMs;
  // The picture advances about ten times a second; shorter pauses are the machine's.
  const toleranceMs = 400;
  const sampleMs = 50;
  function bufferedAheadSeconds() {
    for (let index = 0; index < video.buffered.length; index += 1) {
      const [start, end] = [video.buffered.start(index), video.buffered.end(index)];
      if (start <= video.currentTime + 0.1 && video.currentTime <= end) return end - video.currentTime;
    }
    return 0;
  }
  // Counts only what media is missing for: a machine that is too busy to show it is no stall.
  function sample() {
    const nowMs = performance.now();
    const stepMs = Math.min(nowMs - sampledAtMs, 2 * sampleMs);
    sampledAtMs = nowMs;
    if (video.currentTime !== lastPosition || video.paused || video.currentTime === 0) {
      lastPosition = video.currentTime;
      movedAtMs = nowMs;
    } else if (nowMs - movedAtMs > toleranceMs && bufferedAheadSeconds() < 0.3) starvedMs += stepMs;
  }
  setInterval(sample, sampleMs);
  window.watched = () => ({
    starvedSeconds: starvedMs / 1_000,
    positionSeconds: video.currentTime,
    problems,
    peerCount: 0, peerBytes: 0, cdnBytes: 0, discardedBytes: 0, stallCount: 0,
    ...hls?.shoal?.stats,
    latencySeconds: hls?.latency || null,
    openConnections: [...connections].filter(isOpen).length,
  });
  window.setPlaybackRate = (rate) => {
    video.playbackRate = rate;
  };
  window.openSource = () => void open();
  window.shoalSession = () => hls.shoal;
  window.guardChanges = guardChanges;
  window.appendedMedia = () => appended;
  window.resetWatch = () => {
    starvedMs = 0;
    movedAtMs = performance.now();
  };
  window.switchLevels = async (count, everyMs) => {
    for (let turn = 0; turn < count; turn += 1) {
      hls.nextLevel = turn % 2;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    hls.nextLevel = -1;
  };
  window.seekAround = async (count, everyMs) => {
    for (let turn = 0; turn < count; turn += 1) {
      const first = video.seekable.start(0);
      const last = Math.max(first, video.seekable.end(0) - 6);
      video.currentTime = first + ((turn * 7) % 10) / 10 * (last - first);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    video.currentTime = Math.max(video.seekable.start(0), video.seekable.end(0) - 7);
  };
  window.openAndDestroy = async (count) => {
    for (let turn = 0; turn < count; turn += 1) {
      const opened = open();
      await new Promise((resolve) => setTimeout(resolve, turn * 25));
      opened.destroy();
      hls = null;
    }
  };
  if (parameters.get('opens') !== 'later') open();
</script>`;
