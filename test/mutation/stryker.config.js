// Mutation of what decides: how many wrong rules would its tests let through? Run by test/mutation/run, from the top of the
// checkout, for one of these groups.
//
// Files of properties and random calls are left out: what a mutant does wrong must be caught by a named rule, and they are slow. So
// are the tests that wait for real time or sockets. `least` is what was reached, in percent; the unit tests come first, as they
// name the rule. Most of what lives is equivalent, or words for people.
const groups = {
  numbers: {
    mutate: ['src/numbers/**/*.ts'],
    testFiles: ['test/unit/numbers/!(properties|oracle).test.ts'],
    least: 91.5,
  },
  call: {
    mutate: [
      'src/call/{machine,states,tell-of-move,instruct,referred,view-of}.ts',
      'src/call/machine/*.ts',
      'src/call/connect/{best-failure,descriptions,origin,answers,digits}.ts',
    ],
    testFiles: [
      'test/unit/call/!(model).test.ts',
      'test/unit/terminals/parts.test.ts', // what is seen of a record
      'test/scenario/!(random).test.ts',
      'test/unit/call/model.test.ts',
    ],
    // The model in a few random orders; its invariants are named.
    environment: { CALL_MODEL_SEQUENCES: '300', CALL_MODEL_DEPTH: '0' },
    least: 94,
  },
  trunk: {
    mutate: [
      'src/trunk/{refer-to,sipfrag,reason,failures,forks,session-timer,destinations,referral}.ts',
      'src/media/{telephone-event,policy,sdp}.ts',
      'src/media/rtpengine/{digit-report,silence}.ts',
    ],
    testFiles: ['test/unit/trunk/*.test.ts', 'test/unit/media/!(ng|digit-receiver).test.ts'],
    least: 94.5,
  },
};

const name = process.env.MUTATION_GROUP ?? '';
const group = groups[name];
if (!group) throw new Error(`"${name}" is none of the groups ${Object.keys(groups).join(', ')}`);

export default {
  testRunner: 'in-process',
  plugins: [new URL('runner.js', import.meta.url).href],
  inProcess: { testFiles: group.testFiles, environment: group.environment ?? {} },
  mutate: group.mutate,
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // One of the tests in test/unit finds a store in test/conformance.
  ignorePatterns: ['/dist', '/data', '/test/mutation', '/test/peer'],
  tempDirName: '.cache/mutation',
  reporters: ['progress-append-only', 'clear-text', 'json'],
  jsonReporter: { fileName: `.cache/mutation-report-${name}.json` },
  clearTextReporter: { allowColor: false, reportTests: false, allowEmojis: false },
  thresholds: { high: 95, low: group.least, break: group.least },
  timeoutMS: 3_000,
  // Every loading anew leaves the modules before it in memory.
  maxTestRunnerReuse: 150,
  warnings: { unknownOptions: false },
};
