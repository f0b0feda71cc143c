// hls.js's light builds come without types of their own; they are the full build's.

declare module 'hls.js/light' {
  export { default } from 'hls.js';
}

declare module 'hls.js-1.6/light' {
  export { default } from 'hls.js-1.6';
}
