/** Of the whole package; a test holds it equal to package.json. The device sends it, the edge answers with it. */
export const VERSION = '0.1.0';
