/** What the Workers runtime has beyond its own types, and modules that the bundler makes of text files. */

declare module '*.yml' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: what the bundler makes of a text file
  export default text;
}

/** Of `nodejs_compat`; only what is used, here and in the tests inside workerd. */
declare module 'node:zlib' {
  export function deflateSync(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  export function inflateSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array<ArrayBuffer>;
}
