// The entry of `shoal-verify.js`, which the builds that are one file load where the browser checks no
// signatures itself: pages on plain `http:`, and browsers without Ed25519.

export { ScriptVerifier } from './delivery/verification/script-verifier.ts';
