// What ffmpeg says about media when it decodes all of it.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The muxer counts in ticks of the frame rate that it guesses unless it is told to keep the
 * timestamps: two pictures of a publisher whose pace jitters could share a tick, which it would
 * complain about.
 */
export const decodeAndDiscard: readonly string[] = [
  ...['-fps_mode', 'passthrough', '-enc_time_base', '-1'],
  ...['-f', 'null', '-'],
];

/** Empty for media without fault; a playlist is decoded to its end with everything it names. */
export async function decoderComplaints(
  input: string | Buffer,
  level: 'error' | 'warning' = 'error',
): Promise<string> {
  const source = typeof input === 'string' ? input : 'pipe:0';
  const decoding = run('ffmpeg', ['-v', level, '-i', source, ...decodeAndDiscard]);
  if (typeof input !== 'string') decoding.child.stdin?.end(input);
  return (await decoding).stderr;
}
