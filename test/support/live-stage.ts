// A broadcast to watch: ingest and tracker as processes, a synthetic broadcaster, and enough segments
// listed that a viewer starts at its usual distance from the live edge. For tests of the player.

import { SyntheticBroadcaster } from '../../infra/demo/broadcaster.ts';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { pollUntil } from './poll-until.ts';
import { Services } from './service-processes.ts';

const key = 'end-to-end-key';

export interface StagePicture {
  /** The one rendition of the ladder. */
  readonly rendition: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

const smallPicture: StagePicture = { rendition: '240p', widthPx: 426, heightPx: 240 };

export class LiveStage {
  readonly services: Services;
  readonly stream: string;
  readonly #rendition: string;
  readonly #broadcaster: SyntheticBroadcaster;

  private constructor(
    services: Services,
    stream: string,
    rendition: string,
    broadcaster: SyntheticBroadcaster,
  ) {
    this.services = services;
    this.stream = stream;
    this.#rendition = rendition;
    this.#broadcaster = broadcaster;
  }

  static async start(stream: string, picture = smallPicture): Promise<LiveStage> {
    const { rendition, widthPx, heightPx } = picture;
    const services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: rendition });
    const broadcaster = await SyntheticBroadcaster.start({
      whipUrl: `${services.ingestUrl}/whip/${stream}`,
      key,
      ffmpegPath: 'ffmpeg',
      widthPx,
      heightPx,
    });
    const stage = new LiveStage(services, stream, rendition, broadcaster);
    await pollUntil(async () => (await stage.listedSegmentCount()) >= 6, {
      timeoutMs: 60_000,
      description: 'six segments are listed',
      intervalMs: 250,
    });
    return stage;
  }

  get playlistUrl(): string {
    return `${this.services.ingestUrl}/live/${this.stream}/index.m3u8`;
  }

  get watchUrl(): string {
    return `${this.services.ingestUrl}/watch/${this.stream}`;
  }

  get trackerSocketUrl(): string {
    return this.services.trackerUrl.replace('http', 'ws');
  }

  /** Somebody to exchange media with. */
  neighbour(): HeadlessViewer {
    const { playlistUrl, trackerSocketUrl } = this;
    return HeadlessViewer.start({ playlistUrl, trackerUrl: trackerSocketUrl, telemetry: false });
  }

  async listedSegmentCount(): Promise<number> {
    return (await this.#mediaPlaylist()).match(/#EXTINF/g)?.length ?? 0;
  }

  /** Until ingest has finished one more segment. */
  async untilNextSegment(): Promise<void> {
    const lastLine = async () => (await this.#mediaPlaylist()).trimEnd().split('\n').at(-1);
    const before = await lastLine();
    await pollUntil(async () => (await lastLine()) !== before, {
      timeoutMs: 20_000,
      description: 'another segment is listed',
      intervalMs: 50,
    });
  }

  /** Empty while there is none. */
  async #mediaPlaylist(): Promise<string> {
    const { ingestUrl } = this.services;
    const response = await fetch(`${ingestUrl}/live/${this.stream}/${this.#rendition}/index.m3u8`);
    return response.ok ? await response.text() : '';
  }

  async close(): Promise<void> {
    await this.#broadcaster.close('test ended');
    await this.services.stop();
  }
}
