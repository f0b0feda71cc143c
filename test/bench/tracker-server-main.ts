// A tracker as a process of its own, so that a benchmark measures its CPU and memory and not those
// of the load: `shoal` is ours, `plain` is bittorrent-tracker's server as it comes.

import { once } from 'node:events';
import { Tracker } from '@shoal/tracker';
import BittorrentServer from 'bittorrent-tracker/server';

/** Without limits that a load from one machine would meet; the store is the default of the tracker. */
const unlimited = { perSecond: 1e9, burst: 1e9 };

async function startShoal(filePath: string | undefined): Promise<number> {
  const tracker = await Tracker.start({
    port: 0,
    maxSockets: 100_000,
    maxSocketsPerAddress: 100_000,
    messageRate: unlimited,
    announcesPerAddress: unlimited,
    maxSessions: 1_000_000,
    ...(filePath !== undefined && { store: { kind: 'sqlite', filePath } }),
  });
  return tracker.port;
}

async function startPlain(): Promise<number> {
  const server = new BittorrentServer({ http: false, udp: false, ws: true, stats: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.ws.address().port;
}

const [kind, filePath] = process.argv.slice(2);
process.on('message', () => {
  global.gc?.();
  process.send?.({ cpu: process.cpuUsage(), rssBytes: process.memoryUsage().rss });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: kind === 'plain' ? await startPlain() : await startShoal(filePath) });
