// Loaded before anything else by the npm scripts. The sources are TypeScript that Node 24 runs as it is; npm brings that Node
// along as a dev dependency, and an older one in its place would only say "Unknown file extension".
const wanted = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < wanted) {
  console.error(
    `expected Node ${wanted} or later, got ${process.version} at ${process.execPath}.\n` +
      'Run this by "npm run", after "npm ci" (not with --ignore-scripts, which leaves out the Node that comes with it).',
  );
  process.exit(1);
}
