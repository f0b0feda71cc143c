// The counting side of a viewer, for sessions in the browser and for headless viewers in Node.
// Nothing here needs a media element or hls.js.

export { streamNameOf } from '@shoal/tracker/protocol';
export { BeaconReporter, type BeaconReporterOptions } from './beacon-reporter.ts';
export { DeliveryMeter, type DeliveryTotals } from './delivery-meter.ts';
export { type PlaybackEvent, PlaybackMeter, type PlaybackTotals } from './playback-meter.ts';
