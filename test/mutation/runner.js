// A test runner of Stryker for node:test in one process: the tests are loaded once, and run again for each mutant; for a
// mutant of what runs while a module is loaded, our modules are loaded anew. A process for each mutant, as the runners
// that Stryker brings have it, takes an hour for src/numbers; this takes minutes.
import { globSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { commonTokens, declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  determineHitLimitReached,
  DryRunStatus,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';

/** What takes the place of node:test: it only gathers the tests. */
const shim = `
const names = [];
export function test(name, ...rest) {
  const run = rest.at(-1);
  if (typeof run === 'function') globalThis.gatheredTests.push({ name: [...names, name].join(' > '), run });
}
export function describe(name, ...rest) { names.push(name); rest.at(-1)(); names.pop(); }
export const it = test;
export const suite = describe;
export default test;
`;

const failedLoading = 'loading';

/** Our own modules are known by the generation in their URL: "…/read.ts?generation=2". */
const generationOf = (url) => /\?generation=\d+$/.exec(url ?? '')?.[0] ?? '';

function hookModules() {
  const stripped = new Map();
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === 'node:test') return { url: 'gather:tests', shortCircuit: true };
      const resolved = next(specifier, context);
      const ours =
        resolved.url.startsWith('file:') && /\.[jt]s$/.test(resolved.url) && !resolved.url.includes('/node_modules/');
      const inherits = ours && generationOf(resolved.url) === '';
      return inherits ? { ...resolved, url: resolved.url + generationOf(context.parentURL) } : resolved;
    },
    load: (url, context, next) => {
      if (url === 'gather:tests') return { format: 'module', source: shim, shortCircuit: true };
      if (generationOf(url) === '') return next(url, context);
      const file = fileURLToPath(url.split('?')[0]);
      if (!stripped.has(file)) stripped.set(file, stripTypeScriptTypes(readFileSync(file, 'utf8')));
      return { format: 'module', source: stripped.get(file), shortCircuit: true };
    },
  });
}

/** As node:test has it, a test fails with what nobody catches, too. */
async function toItsEnd(run) {
  const { promise: failed, reject } = Promise.withResolvers();
  const ended = [];
  process.on('uncaughtException', reject).on('unhandledRejection', reject);
  try {
    await Promise.race([failed, run({ after: (action) => void ended.push(action) })]);
    await new Promise((soon) => setImmediate(soon));
  } finally {
    process.off('uncaughtException', reject).off('unhandledRejection', reject);
    for (const action of ended) await action();
  }
}

class InProcessRunner {
  #files;
  #tests;
  #generation = 0;

  constructor({ inProcess: { testFiles, environment } }) {
    this.#files = testFiles.flatMap((pattern) => globSync(pattern).sort());
    Object.assign(process.env, environment);
  }

  init() {
    hookModules();
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun() {
    const tests = await this.#run(await this.#load());
    return { status: DryRunStatus.Complete, tests, mutantCoverage: globalThis.__stryker__.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation, reloadEnvironment }) {
    const stryker = (globalThis.__stryker__ ??= {});
    stryker.hitLimit = hitLimit;
    stryker.hitCount = hitLimit === undefined ? undefined : 0;
    stryker.activeMutant = mutantActivation === 'static' ? activeMutant.id : undefined;
    if (reloadEnvironment) this.#tests = undefined;
    const loaded = (this.#tests ??= await this.#load());
    stryker.activeMutant = activeMutant.id;
    const tests = await this.#run(
      testFilter ? loaded.filter(({ name }) => name === failedLoading || testFilter.includes(name)) : loaded,
      true,
    );
    const tooMany = determineHitLimitReached(stryker.hitCount, stryker.hitLimit);
    return toMutantRunResult(tooMany ?? { status: DryRunStatus.Complete, tests });
  }

  async #load() {
    this.#generation += 1;
    globalThis.gatheredTests = [];
    try {
      for (const file of this.#files)
        await import(`${pathToFileURL(path.resolve(file)).href}?generation=${this.#generation}`);
      return globalThis.gatheredTests;
    } catch (error) {
      // A mutant may spoil what runs while a module is loaded: then every test fails.
      return [{ name: failedLoading, run: () => Promise.reject(error) }];
    }
  }

  async #run(tests, untilOneFails = false) {
    const results = [];
    const stryker = (globalThis.__stryker__ ??= {});
    for (const { name, run } of tests) {
      const result = { id: name, name, timeSpentMs: 0 };
      const started = performance.now();
      stryker.currentTestId = name;
      try {
        await toItsEnd(run);
        results.push({ ...result, status: TestStatus.Success, timeSpentMs: performance.now() - started });
      } catch (error) {
        results.push({ ...result, status: TestStatus.Failed, failureMessage: String(error) });
        if (untilOneFails) break;
      }
      stryker.currentTestId = undefined;
    }
    return results;
  }
}

function createRunner(options) {
  return new InProcessRunner(options);
}
createRunner.inject = [commonTokens.options];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'in-process', createRunner)];
