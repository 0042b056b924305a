import { Failure } from '../shared/errors.ts';
import type { Route } from './settings.ts';

/** Which trunk a number is called over: the route with the longest prefix that the number begins with. */
export class Routes<Trunk extends { name: string }> {
  readonly #routes: { prefix: string; trunk: Trunk }[];

  /** @throws Failure `bad-setting` for a route to a trunk that does not exist */
  constructor(routes: readonly Route[], trunks: readonly Trunk[]) {
    this.#routes = routes
      .map(({ prefix, trunk: name }) => {
        const trunk = trunks.find((candidate) => candidate.name === name);
        if (!trunk)
          throw new Failure('bad-setting', `the route of "${prefix}" leads to trunk "${name}", which is not set`);
        return { prefix, trunk };
      })
      .sort((one, other) => other.prefix.length - one.prefix.length);
  }

  to(number: string): Trunk | undefined {
    return this.#routes.find(({ prefix }) => number.startsWith(prefix))?.trunk;
  }
}
