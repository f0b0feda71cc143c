// Stands in for hls.js's parser of TTML: subtitles are WebVTT and CEA-608 here, and hls.js reports
// those in TTML as it does broken ones.

export const IMSC1_CODEC = 'stpp.ttml.im1t';

export function parseIMSC1(
  _payload: unknown,
  _start: unknown,
  _onCues: unknown,
  onError: (error: Error) => void,
): void {
  onError(new Error('TTML subtitles are not in this build.'));
}
