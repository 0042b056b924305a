// Mutation of src/numbers: how many wrong rules would its unit tests let through?
// Run by test/mutation/run, from the top of the checkout.
export default {
  testRunner: 'in-process',
  plugins: [new URL('runner.js', import.meta.url).href],
  // The property tests are left out: what a mutant does wrong must be caught by a named rule, and they are slow.
  inProcess: { testFiles: ['test/unit/numbers/!(properties|oracle).test.ts'] },
  mutate: ['src/numbers/**/*.ts'],
  coverageAnalysis: 'perTest',
  concurrency: 1,
  ignorePatterns: ['/dist', '/data', '/test/mutation', '/test/peer', '/test/conformance', '/test/scenario'],
  tempDirName: '.cache/mutation',
  reporters: ['progress-append-only', 'clear-text', 'json'],
  jsonReporter: { fileName: '.cache/mutation-report.json' },
  clearTextReporter: { allowColor: false, reportTests: false, allowEmojis: false },
  thresholds: { high: 95, low: 90, break: 90 },
  timeoutMS: 3_000,
  // Every loading anew leaves the modules before it in memory.
  maxTestRunnerReuse: 150,
  warnings: { unknownOptions: false },
};
