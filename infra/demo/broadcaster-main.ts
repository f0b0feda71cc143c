// The synthetic broadcaster as a process of its own, so that neither its work nor its failure
// touches the services: `--whip URL --ffmpeg PATH`, the stream key in SYNTHETIC_BROADCASTER_KEY.

import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { SyntheticBroadcaster } from './broadcaster.ts';
import { endOfLife } from './child-lifetime.ts';
import { readyMessage } from './supervised-process.ts';

const { values } = parseArgs({
  options: {
    whip: { type: 'string' },
    ffmpeg: { type: 'string', default: 'ffmpeg' },
    codec: { type: 'string', default: 'h264' },
    size: { type: 'string', default: '1280x720' },
    'log-level': { type: 'string', default: 'warn' },
  },
});
const key = process.env.SYNTHETIC_BROADCASTER_KEY;
const { codec } = values;
const [, widthPx, heightPx] = /^(\d{2,4})x(\d{2,4})$/.exec(values.size)?.map(Number) ?? [];
const isKnownCodec = codec === 'h264' || codec === 'vp8';
if (values.whip === undefined || key === undefined || !isKnownCodec || widthPx === undefined) {
  console.error(
    'Usage: SYNTHETIC_BROADCASTER_KEY=… broadcaster-main.ts --whip URL [--ffmpeg PATH] [--codec h264|vp8] [--size 1280x720] [--log-level LEVEL]',
  );
  process.exit(2);
}

const logger = pino({ name: 'broadcaster', level: values['log-level'] }, pino.destination(2));
const abort = new AbortController();
const lifetime = endOfLife().then((reason) => {
  abort.abort(new Error(reason));
  return reason;
});

try {
  let onEnd: (reason: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    onEnd = resolve;
  });
  const broadcaster = await SyntheticBroadcaster.start(
    {
      ...{ whipUrl: values.whip, key, ffmpegPath: values.ffmpeg, codec },
      ...{ widthPx, heightPx, logger, onEnd },
    },
    abort.signal,
  );
  process.send?.(readyMessage);
  const reason = await Promise.race([lifetime, ended]);
  await broadcaster.close(reason);
  // libdatachannel's threads would keep the process for many seconds more.
  process.exit(abort.signal.aborted ? 0 : 1);
} catch (error) {
  if (abort.signal.aborted) process.exit(0);
  console.error(`The synthetic broadcaster: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
