// Where this script came from: what is loaded late lies beside it. A classic script knows it only while
// it runs for the first time.

export const scriptUrl = (() => {
  const script = globalThis.document?.currentScript;
  return script && 'src' in script ? String(script.src) : import.meta.url;
})();
