// Loaded first into each process that runs a file of drachtio-srf's suite: what the file requires is found here.
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const here = new Map([
  ['tape', './tape.ts'],
  ['config', './config.ts'],
  ['mocha', './mocha.ts'],
  ['./sipp', './sipp.ts'],
]);
/** Packages that the files need as they are; the copy of the files has none beside it. */
const packages = new Set(['debug', 'should', 'sip-message-examples']);
const { resolve } = createRequire(import.meta.url);
const { resolve: resolveOfSrf } = createRequire(resolve('drachtio-srf'));

registerHooks({
  resolve(specifier, context, next) {
    const standIn = here.get(specifier);
    const ofSuite = context.parentURL?.includes('/ringaway-srf-suite-') === true;
    if (!ofSuite) return next(specifier, context);
    if (standIn !== undefined) return { url: new URL(standIn, import.meta.url).href, shortCircuit: true };
    if (!packages.has(specifier)) return next(specifier, context);
    const found = specifier === 'debug' ? resolveOfSrf(specifier) : resolve(specifier);
    return { url: pathToFileURL(found).href, shortCircuit: true };
  },
});
