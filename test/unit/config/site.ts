import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { loadSettings, type Settings } from '../../../src/config.ts';
import { Failure } from '../../../src/shared/errors.ts';

/** A folder with these files, that goes when the test is over. */
export function folderWith(context: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-settings-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/** The settings of a site with this file and these variables. */
export function settingsOf(
  context: TestContext,
  yaml: string,
  environment: Record<string, string> = {},
  others: Record<string, string> = {},
): Settings {
  const folder = folderWith(context, { 'ringaway.yaml': yaml, ...others });
  return loadSettings({ file: path.join(folder, 'ringaway.yaml'), environment });
}

/** What is said of a site's settings, line by line, with its folder left out; no lines when they are right. */
export function faultsOf(...site: Parameters<typeof settingsOf>): string[] {
  try {
    settingsOf(...site);
    return [];
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'bad-setting') throw error;
    return error.message.replaceAll(/[^\s(]*ringaway-settings-[^/]*\//g, '').split('\n');
  }
}
