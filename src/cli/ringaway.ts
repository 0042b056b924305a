#!/usr/bin/env node
// The command `ringaway`. This file is parsed by whatever Node a machine has: it imports nothing and keeps to
// syntax that old ones know, so that too old a Node gets a sentence instead of a syntax error.
const neededMajor = 24;

if (parseInt(process.version.slice(1), 10) >= neededMajor) {
  void import('./program.ts').then((program) => program.run(process.argv.slice(2)));
} else {
  process.stderr.write(
    'ringaway: needs Node ' +
      String(neededMajor) +
      ' or newer, and this is Node ' +
      process.version.slice(1) +
      '. Run "npm ci" in its folder, which brings the right one, and then "npx ringaway", which uses it.\n',
  );
  process.exitCode = 1;
}
