// Stands in for `err-code`, by which connections to other viewers give their errors a code: without what
// it does for values that are no errors.

/** A `DOMException` has a `code` already, which can only be defined anew. */
function withCode(error: Error, code: string): Error {
  return Object.defineProperty(error, 'code', { value: code });
}

// biome-ignore lint/style/noDefaultExport: the package has one.
export default withCode;
