// Types of the parts of codem-isoboxer that tests use as an independent reader of MP4 boxes.

declare module 'codem-isoboxer' {
  interface ParsedBox {
    readonly track_ID: number;
    readonly baseMediaDecodeTime: number;
    readonly samples: readonly { readonly sample_size: number }[];
  }
  interface ParsedFile {
    fetchAll(type: string): readonly ParsedBox[];
  }
  const isoBoxer: { parseBuffer(buffer: ArrayBuffer): ParsedFile };
  export = isoBoxer;
}
