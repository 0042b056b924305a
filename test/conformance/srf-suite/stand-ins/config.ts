// Stands in for the npm package config: the control connections of this run, whatever stands in drachtio-srf's config folder.
import { readSettings } from './settings.ts';

const config = {
  get(name: string): object {
    const connection = readSettings().connections[name];
    if (!connection) throw new Error(`the suite asks for a setting that the runner does not have: ${name}`);
    return { ...connection };
  },
};

export { config as 'module.exports' };
