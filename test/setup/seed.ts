import fc from 'fast-check';

/**
 * Property tests run from one seed, so that a run says the same tomorrow as today. To look for what nobody has seen yet:
 * `FC_SEED=random npm run test:unit`; a failure prints its seed, and what it shows becomes an example in a test of its own.
 */
const seed = process.env['FC_SEED'] ?? '20261122';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });
