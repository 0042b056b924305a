// Stands in for mocha in drachtio-srf's unit tests: its functions are those of node:test, with mocha's way of saying `done`.
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

type Done = (error?: unknown) => void;
type Body = (this: object, done: Done) => void | Promise<void>;

const context = { timeout: () => undefined };

/** A body that takes an argument takes `done`. */
function adapt(body: Body): (test: unknown, done: unknown) => void | Promise<void> {
  const noDone: Done = () => undefined;
  if (body.length === 0) return () => body.call(context, noDone);
  return (_test, done) => {
    void body.call(context, (error) => {
      if (typeof done === 'function') Reflect.apply(done, undefined, error === undefined ? [] : [error]);
    });
  };
}

const hooks = { before, after, beforeEach, afterEach };
for (const [name, hook] of Object.entries(hooks)) {
  Reflect.set(globalThis, name, (body: Body) => {
    hook(adapt(body));
  });
}
Reflect.set(globalThis, 'describe', (name: string, body: () => void) => {
  void describe(name, () => {
    Reflect.apply(body, context, []);
  });
});
Reflect.set(globalThis, 'it', (name: string, body: Body) => {
  void it(name, adapt(body));
  return context;
});
